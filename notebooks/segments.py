"""Which segments there are, who is in them, who went from one to another, and whose portfolio customers are in."""

import marimo

app = marimo.App(width="medium", app_title="Which segments and portfolios are there?")


@app.cell
def _():
    from clientela.query.notebook import alt, mo, published

    company = published()
    mo.md(company.heading("Which segments and portfolios are there?"))
    return alt, company, mo


@app.cell
def _(mo):
    mo.md("## How many customers does each RFM group have, and what is expected of them?")
    return


@app.cell
def _(company):
    groups = company.query(
        """
        select rfm_group, count(*) as customers, coalesce(sum(expected_value), 0)::double as expected_value
        from customer.customer_today where customer_id > 0 and rfm_group is not null group by rfm_group order by customers desc
        """
    )
    return (groups,)


@app.cell
def _(alt, company, groups, mo):
    mo.stop(groups.is_empty(), mo.md("Nobody has an RFM group: there is no order yet."))
    alt.Chart(company.rounded(groups)).mark_bar().encode(
        y=alt.Y("rfm_group:N", title="RFM group", sort="-x"),
        x=alt.X("customers:Q", title="customers"),
        color=alt.Color("expected_value:Q", title=f"expected value, {company.currency}"),
        tooltip=["rfm_group", "customers", "expected_value"],
    ).properties(width=480)
    return


@app.cell
def _(company, groups, mo):
    _most = groups.sort("expected_value", descending=True).row(0, named=True) if len(groups) else None
    mo.md(
        f"Of {_most['rfm_group']} most is expected: {company.money(_most['expected_value'])} from "
        f"{_most['customers']:,} of {groups['customers'].sum():,} customers."
        if _most
        else ""
    )
    return


@app.cell
def _(mo):
    mo.md("## Which strategy suits whom: value against engagement?")
    return


@app.cell
def _(company):
    matrix = company.query(
        """
        select value_tier, engagement_tier, any_value(strategy) as strategy, count(*) as customers,
            sum(expected_value)::double as expected_value
        from customer.customer_today
        where customer_id > 0 and value_tier is not null and engagement_tier is not null group by 1, 2
        """
    )
    return (matrix,)


@app.cell
def _(alt, matrix, mo):
    mo.stop(matrix.is_empty(), mo.md("Nobody has a value tier yet."))
    _ink = alt.condition(alt.datum.customers > matrix["customers"].max() / 2, alt.value("white"), alt.value("black"))
    _base = alt.Chart(matrix).encode(
        y=alt.Y("value_tier:N", title="value tier", sort=["high", "medium", "low"]),
        x=alt.X(
            "engagement_tier:N",
            title="engagement tier",
            sort=["high", "medium", "low", "gone"],
            axis=alt.Axis(labelAngle=0),
        ),
    )
    (
        _base.mark_rect().encode(color=alt.Color("customers:Q", title="customers", scale=alt.Scale(scheme="blues")))
        + _base.mark_text(dy=-7, fontWeight="bold").encode(text="strategy:N", color=_ink)
        + _base.mark_text(dy=9).encode(text=alt.Text("customers:Q", format=",d"), color=_ink)
    ).properties(width=560, height=220)
    return


@app.cell
def _(matrix, mo):
    _doubtful = matrix.filter((matrix["value_tier"] == "high") & matrix["engagement_tier"].is_in(["low", "gone"]))
    mo.md(f"{_doubtful['customers'].sum():,} customers of high value have little or no engagement left.")
    return


@app.cell
def _(mo):
    mo.md("## How do the segments look?")
    return


@app.cell
def _(company):
    portraits = company.query(
        """
        select segmentation, segment, customers, share_of_customers, expected_value, share_of_expected_value,
            mean_churn_probability, share_kept_12m, distinguishing_features
        from segment.segment_profiles order by segmentation, customers desc
        """
    )
    company.rounded(portraits)
    return (portraits,)


@app.cell
def _(mo):
    mo.md("## Who rose and who fell in value, in the last quarter?")
    return


@app.cell
def _(company):
    flows = company.query(
        """
        with last_flows as (
            select * from segment.segment_flows where segmentation = 'value_tier' and months_between <= 3
            qualify to_month_end = max(to_month_end) over ()
        )
        select from_month_end, to_month_end, coalesce(from_segment, 'new') as from_tier, coalesce(to_segment, 'none') as to_tier,
            customers
        from last_flows qualify from_month_end = min(from_month_end) over () order by customers desc
        """
    )
    return (flows,)


@app.cell
def _(alt, flows, mo):
    mo.stop(flows.is_empty(), mo.md("There is one month-end only."))
    alt.Chart(flows).mark_bar().encode(
        y=alt.Y(
            "from_tier:N", title=f"value tier on {flows['from_month_end'][0]}", sort=["high", "medium", "low", "new"]
        ),
        x=alt.X("customers:Q", title="customers", stack="normalize", axis=alt.Axis(format="%")),
        color=alt.Color("to_tier:N", title=f"on {flows['to_month_end'][0]}", sort=["high", "medium", "low", "none"]),
        tooltip=["from_tier", "to_tier", "customers"],
    ).properties(width=560)
    return


@app.cell
def _(flows, mo):
    _fallen = flows.filter((flows["from_tier"] == "high") & (flows["to_tier"] != "high"))
    mo.md(f"{_fallen['customers'].sum():,} customers left the high value tier within these months.")
    return


@app.cell
def _(mo):
    mo.md("## Who looks after whom?")
    return


@app.cell
def _(company, mo):
    mo.stop(
        not company.has("relationship.portfolio_load"),
        mo.md("The company keeps no portfolios yet; docs/relationship.md."),
    )
    portfolios = company.query("from relationship.portfolio_load")
    company.rounded(portfolios)
    return (portfolios,)


if __name__ == "__main__":
    app.run()
