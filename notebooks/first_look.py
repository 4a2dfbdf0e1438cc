"""What an analyst opens first: the published file of the demonstration, in four questions.

Open it with `marimo edit notebooks/first_look.py`, or run it as a script. CLIENTELA_CONFIG chooses another company.
"""

import marimo

app = marimo.App(width="medium")


@app.cell
def _():
    import os

    import altair as alt
    import marimo as mo
    import polars as pl

    from clientela.config.read import load_config
    from clientela.project_files import example
    from clientela.query.sql import query_published

    config = load_config(os.environ.get("CLIENTELA_CONFIG") or example("complete_journey"))

    def query(sql: str) -> pl.DataFrame:
        columns, rows = query_published(config, sql)
        return pl.DataFrame(rows, schema=columns, orient="row")

    return alt, config, mo, query


@app.cell
def _(config, mo, query):
    mo.vstack([mo.md(f"# {config.company}"), query("select * from operations.publication")])


@app.cell
def _(alt, mo, query):
    months = query(
        """
        select month, sum(net_revenue)::double as net_revenue, count(*) filter (orders > 0) as buyers
        from value.customer_months where customer_id > 0 group by month order by month
        """
    )
    mo.vstack(
        [mo.md("## What does each month bring?"), alt.Chart(months).mark_bar().encode(x="month:T", y="net_revenue:Q")]
    )


@app.cell
def _(alt, mo, query):
    groups = query(
        """
        select rfm_group, count(*) as customers from segment.customer_segments
        where rfm_group is not null group by rfm_group
        """
    )
    bars = alt.Chart(groups).mark_bar().encode(y=alt.Y("rfm_group:N", sort="-x"), x="customers:Q")
    mo.vstack([mo.md("## How many customers are in each RFM group?"), bars])


@app.cell
def _(mo, query):
    sources = query("select * from operations.sources")
    mo.vstack([mo.md("## How fresh is each source?"), sources])


if __name__ == "__main__":
    app.run()
