"""Who is one customer: how many records each has, by which rules they were brought together, and what changed."""

import marimo

app = marimo.App(width="medium", app_title="Whose records are one customer?")


@app.cell
def _():
    from clientela.query.notebook import alt, mo, published

    company = published()
    mo.md(company.heading("Whose records are one customer?"))
    return alt, company, mo


@app.cell
def _(mo):
    mo.md("## How many records does a customer have?")
    return


@app.cell
def _(company):
    sizes = company.query(
        """
        select least(records, 6)::integer as records, count(*) as customers from (
            select count(*) as records from customer.customer_records where customer_id > 0 group by customer_id
        ) group by 1 order by 1
        """
    )
    return (sizes,)


@app.cell
def _(alt, mo, sizes):
    mo.stop(sizes.is_empty(), mo.md("There is no record yet."))
    alt.Chart(sizes).mark_bar().encode(
        x=alt.X("records:O", title="records, 6 or more at the end", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("customers:Q", title="customers"),
    ).properties(width=480)
    return


@app.cell
def _(company):
    people = company.query(
        """
        select count(*) as records, count(distinct customer_id) as customers
        from customer.customer_records where customer_id > 0
        """
    )
    return (people,)


@app.cell
def _(mo, people):
    _records, _customers = people.row(0)
    mo.md(f"{_records:,} records are {_customers:,} customers, {_records - _customers:,} fewer.")
    return


@app.cell
def _(mo):
    mo.md("## By which rule were records brought together?")
    return


@app.cell
def _(company):
    rules = company.query(
        """
        select rule, count(*) as records from customer.customer_records
        where customer_id > 0 group by rule order by records desc
        """
    )
    return (rules,)


@app.cell
def _(alt, mo, rules):
    mo.stop(rules.is_empty(), mo.md("There is no record yet."))
    alt.Chart(rules).mark_bar().encode(
        y=alt.Y("rule:N", title="rule", sort="-x"), x=alt.X("records:Q", title="records")
    ).properties(width=480)
    return


@app.cell
def _(mo):
    mo.md("## How sure are the links, and which near pairs stayed apart?")
    return


@app.cell
def _(company):
    links = company.query(
        """
        select status, match_weight::double as match_weight from quality.identity_links where match_weight is not null
        """
    )
    return (links,)


@app.cell
def _(alt, company, links, mo):
    mo.stop(links.is_empty(), mo.md("No pair was weighed: every record has one source, or an exact key."))
    alt.data_transformers.disable_max_rows()
    alt.Chart(links).mark_bar().encode(
        x=alt.X(
            "match_weight:Q", bin=alt.Bin(maxbins=40), title="match weight, bits (10 more: a thousand times likelier)"
        ),
        y=alt.Y("count():Q", title="pairs of records"),
        color=alt.Color("status:N", title=None),
    ).properties(width=560)
    return


@app.cell
def _(mo):
    mo.md("## What is out of the range that is expected?")
    return


@app.cell
def _(company):
    measures = company.query(
        """
        select measure, breakdown, value, expected_from, expected_to, is_out_of_range
        from quality.identity_measures order by is_out_of_range desc nulls last, measure, breakdown
        """
    )
    company.rounded(measures)
    return (measures,)


@app.cell
def _(measures, mo):
    mo.md(f"{(measures['is_out_of_range'] == True).sum()} of {len(measures)} measures are out of range.")  # noqa: E712
    return


@app.cell
def _(mo):
    mo.md("## Who was merged, split or moved lately?")
    return


@app.cell
def _(company):
    events = company.query(
        """
        select occurred_on, event, customer_id, other_customer_id, record_count, cause from quality.identity_events
        where event <> 'created' order by occurred_at desc, customer_id limit 100
        """
    )
    events
    return (events,)


if __name__ == "__main__":
    app.run()
