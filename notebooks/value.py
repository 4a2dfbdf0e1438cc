"""What are customers worth: by month, by customer, and what is still to come."""

import marimo

app = marimo.App(width="medium", app_title="What are our customers worth?")


@app.cell
def _():
    from clientela.query.notebook import alt, mo, published

    company = published()
    mo.md(company.heading("What are our customers worth?"))
    return alt, company, mo


@app.cell
def _(mo):
    mo.md("## What does each month bring?")
    return


@app.cell
def _(company):
    months = company.query(
        """
        select month, sum(net_revenue)::double as net_revenue, sum(contribution)::double as contribution,
            count(*) filter (orders > 0 and customer_id > 0) as buyers
        from value.customer_months group by month order by month
        """
    )
    return (months,)


@app.cell
def _(alt, company, mo, months):
    mo.stop(months.is_empty(), mo.md("There is no month yet."))
    alt.Chart(company.rounded(months)).mark_bar().encode(
        x=alt.X("yearmonth(month):T", title="month"),
        y=alt.Y("net_revenue:Q", title=f"net revenue, {company.currency}"),
        tooltip=["month", "net_revenue", "contribution", "buyers"],
    ).properties(width=640)
    return


@app.cell
def _(company, mo, months):
    _best = months.sort("net_revenue", descending=True).row(0, named=True) if len(months) else None
    mo.md(
        f"{_best['month']:%B %Y} brought most: {company.money(_best['net_revenue'])} from {_best['buyers']:,} customers. "
        f"In all {company.money(months['net_revenue'].sum())}, and {company.money(months['contribution'].sum())} of contribution."
        if _best
        else ""
    )
    return


@app.cell
def _(mo):
    mo.md("## How few customers carry how much of the value?")
    return


@app.cell
def _(company):
    curve = company.query(
        """
        with ranked as (
            select row_number() over by_value as rank, sum(realised_value) over by_value as so_far,
                count(*) over () as customers, sum(realised_value) over () as total
            from value.customer_value where customer_id > 0 and realised_value <> 0
            window by_value as (order by realised_value desc, customer_id rows unbounded preceding)
        )
        select rank / customers as share_of_customers, (so_far / total)::double as share_of_value, customers,
            total::double as realised_value
        from ranked where total > 0 and (rank = customers or rank % greatest(customers // 200, 1) = 0) order by rank
        """
    )
    return (curve,)


@app.cell
def _(alt, curve, mo):
    mo.stop(curve.is_empty(), mo.md("Nobody has brought anything yet."))
    alt.Chart(curve).mark_area(line=True, opacity=0.5).encode(
        x=alt.X("share_of_customers:Q", title="share of customers, the best first", axis=alt.Axis(format="%")),
        y=alt.Y("share_of_value:Q", title="share of realised value", axis=alt.Axis(format="%")),
    ).properties(width=640)
    return


@app.cell
def _(company, curve, mo):
    _fifth = curve.filter(curve["share_of_customers"] <= 0.2)
    mo.md(
        f"The best {_fifth['share_of_customers'][-1]:.0%} of {curve['customers'][0]:,} customers carry "
        f"{_fifth['share_of_value'][-1]:.0%} of {company.money(curve['realised_value'][0])}."
        if len(_fifth)
        else ""
    )
    return


@app.cell
def _(mo):
    mo.md("## What came, and what is still to come, by value tier?")
    return


@app.cell
def _(company):
    tiers = company.query(
        """
        select coalesce(value_tier, 'none') as value_tier, count(*) as customers,
            sum(realised_value)::double as realised, coalesce(sum(value.expected_value), 0)::double as expected,
            max(horizon_months) as horizon_months
        from value.customer_value as value join segment.customer_segments using (customer_id)
        where customer_id > 0 group by 1 order by expected desc
        """
    )
    return (tiers,)


@app.cell
def _(alt, company, mo, tiers):
    mo.stop(tiers.is_empty(), mo.md("There is no customer yet."))
    _parts = tiers.unpivot(["realised", "expected"], index="value_tier", variable_name="part", value_name="amount")
    alt.Chart(_parts).mark_bar().encode(
        y=alt.Y("value_tier:N", title="value tier", sort=["high", "medium", "low", "none"]),
        x=alt.X("amount:Q", title=f"amount, {company.currency}"),
        yOffset=alt.YOffset("part:N", sort=["realised", "expected"]),
        color=alt.Color("part:N", title=None, sort=["realised", "expected"]),
    ).properties(width=560)
    return


@app.cell
def _(company, mo, tiers):
    _expected, _months = tiers["expected"].sum(), tiers["horizon_months"].max()
    mo.md(
        f"Within {_months} months {company.money(_expected)} of contribution are expected of the customers known today, "
        f"{tiers['expected'][0] / _expected:.0%} of it from the tier {tiers['value_tier'][0]}."
        if _expected
        else "Nothing can be expected of anybody yet."
    )
    return


@app.cell
def _(company, mo):
    newcomers = company.query(
        """
        select horizon_months, as_of_on, customers, actual_value::double as actual_value
        from quality.value_backtest where segmentation = 'not predicted'
        order by as_of_on desc, horizon_months desc, is_frozen desc, predicted_by desc limit 1
        """
    )
    _row = newcomers.row(0, named=True) if len(newcomers) else {}
    mo.md(
        f"What those who are no customers yet will bring comes beside it: in the {_row['horizon_months']} months from "
        f"{_row['as_of_on']} {_row['customers']:,} newcomers brought {company.money(_row['actual_value'])}."
        if _row
        else "What those who are no customers yet will bring comes beside it; no such months are over yet."
    )
    return


@app.cell
def _(mo):
    mo.md("## Who are the twenty most valuable customers?")
    return


@app.cell
def _(company):
    best = company.query(
        """
        select customer_id, vin, realised_value, expected_value, p_alive, orders, net_revenue, last_ordered_on
        from customer.customer_today where customer_id > 0 and vin is not null order by vin desc, customer_id limit 20
        """
    )
    company.rounded(best)
    return (best,)


@app.cell
def _(best, mo):
    mo.md(
        "VIN (*valor integral neto*) is the total customer value: what was realised and what is expected. "
        f"`clientela explain value {best['customer_id'][0] if len(best) else 'N'}` says where one of them comes from, "
        "`clientela explain customer N --html` makes a page of it."
    )
    return


if __name__ == "__main__":
    app.run()
