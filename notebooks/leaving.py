"""Who is leaving: states, value at risk, movements by month, and how long customers stay."""

import marimo

app = marimo.App(width="medium", app_title="Who is leaving?")


@app.cell
def _():
    from clientela.query.notebook import alt, mo, published

    company = published()
    mo.md(company.heading("Who is leaving?"))
    return alt, company, mo


@app.cell
def _(mo):
    mo.md("## In which state are customers today?")
    return


@app.cell
def _(company):
    states = company.query(
        """
        select state, count(*) as customers, coalesce(sum(expected_value_at_risk), 0)::double as value_at_risk
        from retention.customer_retention where customer_id > 0 and state is not null group by state order by customers desc
        """
    )
    return (states,)


@app.cell
def _(alt, company, mo, states):
    mo.stop(states.is_empty(), mo.md("Nobody has a state yet: there is no order and no contract."))
    alt.Chart(company.rounded(states)).mark_bar().encode(
        y=alt.Y("state:N", title="state", sort="-x"),
        x=alt.X("customers:Q", title="customers"),
        tooltip=["state", "customers", "value_at_risk"],
    ).properties(width=560)
    return


@app.cell
def _(company, mo, states):
    _doubtful = states.filter(states["state"].is_in(["slowing", "at_risk"]))
    mo.md(
        f"{_doubtful['customers'].sum():,} customers are slowing or at risk. "
        f"{company.money(states['value_at_risk'].sum())} of what is expected may not come: each customer's expected value times "
        "the probability that they order no more, active customers included."
    )
    return


@app.cell
def _(mo):
    mo.md("## Whom would it pay to call, and why?")
    return


@app.cell
def _(company):
    reasons = company.query(
        """
        select coalesce(main_reason, 'none in particular') as main_reason, count(*) as customers,
            sum(expected_value_at_risk)::double as value_at_risk
        from retention.customer_retention where customer_id > 0 and expected_value_at_risk > 0
        group by 1 order by value_at_risk desc
        """
    )
    return (reasons,)


@app.cell
def _(alt, company, mo, reasons):
    mo.stop(reasons.is_empty(), mo.md("No value is at risk, or nobody's probability of leaving is known."))
    alt.Chart(company.rounded(reasons)).mark_bar().encode(
        y=alt.Y("main_reason:N", title="main reason", sort="-x"),
        x=alt.X("value_at_risk:Q", title=f"expected value at risk, {company.currency}"),
        tooltip=["main_reason", "customers", "value_at_risk"],
    ).properties(width=560)
    return


@app.cell
def _(company):
    calls = company.query(
        """
        select customer_id, state, main_reason, churn_probability, expected_value, expected_value_at_risk,
            days_since_last_activity, expected_days_between_orders
        from customer.customer_today where customer_id > 0 and expected_value_at_risk > 0
        order by expected_value_at_risk desc, customer_id limit 20
        """
    )
    company.rounded(calls)
    return (calls,)


@app.cell
def _(calls, company, mo, reasons):
    mo.md(
        f"These {len(calls)} customers hold {company.money(calls['expected_value_at_risk'].sum())} of "
        f"{company.money(reasons['value_at_risk'].sum())}; most of it "
        + (
            "is of customers who give no reason to worry today."
            if reasons["main_reason"][0] == "none in particular"
            else f"is at risk for the reason {reasons['main_reason'][0]}."
        )
        if len(calls)
        else ""
    )
    return


@app.cell
def _(mo):
    mo.md("## How many come, return and leave each month?")
    return


@app.cell
def _(company):
    movements = company.query(
        """
        select month, opening_customers, new_customers, returned_customers, lapsed_customers, closing_customers
        from retention.customer_movements where segmentation = 'all' order by month
        """
    )
    return (movements,)


@app.cell
def _(alt, mo, movements):
    mo.stop(movements.is_empty(), mo.md("There is no month-end yet."))
    _kinds = ["new", "returned", "lapsed"]
    _parts = movements.select(
        "month", new="new_customers", returned="returned_customers", lapsed=-movements["lapsed_customers"]
    ).unpivot(_kinds, index="month", variable_name="kind", value_name="customers")
    alt.Chart(_parts).mark_bar().encode(
        x=alt.X("yearmonth(month):T", title="month"),
        y=alt.Y("customers:Q", title="customers, the lapsed below zero"),
        color=alt.Color("kind:N", title=None, sort=_kinds),
    ).properties(width=640)
    return


@app.cell
def _(mo, movements):
    _last = movements.row(-1, named=True) if len(movements) else {}
    mo.md(
        f"{_last['month']:%B %Y}: {_last['opening_customers']:,} customers at its beginning, {_last['new_customers']:,} new, "
        f"{_last['returned_customers']:,} returned, {_last['lapsed_customers']:,} lapsed, "
        f"{_last['closing_customers']:,} at its end."
        if _last
        else ""
    )
    return


@app.cell
def _(mo):
    mo.md("## How long do customers of each value tier stay?")
    return


@app.cell
def _(company):
    survival = company.query(
        """
        with curves as (
            select segment as value_tier, landmark_on, days, survival, survival_low, survival_high
            from retention.survival_curves where basis = 'since landmark' and segmentation = 'value_tier'
        )
        select * from curves where landmark_on = (select max(landmark_on) from curves) order by value_tier, days
        """
    )
    return (survival,)


@app.cell
def _(alt, mo, survival):
    mo.stop(survival.is_empty(), mo.md("Nobody has been watched long enough."))
    alt.Chart(survival).mark_line(interpolate="step-after").encode(
        x=alt.X("days:Q", title=f"days since {survival['landmark_on'][0]}"),
        y=alt.Y("survival:Q", title="share still a customer", axis=alt.Axis(format="%"), scale=alt.Scale(zero=False)),
        color=alt.Color("value_tier:N", title="value tier", sort=["high", "medium", "low"]),
    ).properties(width=640)
    return


@app.cell
def _(mo, survival):
    _ends = survival.group_by("value_tier", maintain_order=True).last()
    mo.md(
        "Still customers at the end of the curve: "
        + ", ".join(f"{row['survival']:.0%} of the tier {row['value_tier']}" for row in _ends.iter_rows(named=True))
        + "."
        if len(_ends)
        else ""
    )
    return


if __name__ == "__main__":
    app.run()
