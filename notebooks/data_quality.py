"""Whether the figures can be relied on: what arrived, what was refused, and whether the sums agree."""

import marimo

app = marimo.App(width="medium", app_title="Can we rely on the data?")


@app.cell
def _():
    from clientela.query.notebook import alt, mo, published

    company = published()
    mo.md(company.heading("Can we rely on the data?"))
    return alt, company, mo


@app.cell
def _(mo):
    mo.md("## How fresh is each source?")
    return


@app.cell
def _(company):
    sources = company.query(
        """
        select source, feed, entity, age_days, is_stale, last_event_on, loaded_rows, quarantined_rows, refused_since
        from operations.sources order by is_stale desc, age_days desc
        """
    )
    sources
    return (sources,)


@app.cell
def _(mo, sources):
    mo.md(
        f"{sources['is_stale'].sum()} of {len(sources)} deliveries are stale, "
        f"{(sources['refused_since'] > 0).sum()} were refused since they were last loaded."
    )
    return


@app.cell
def _(mo):
    mo.md("## What became of the rows that were delivered?")
    return


@app.cell
def _(company):
    rows = company.query(
        """
        unpivot (
            select source || ' / ' || entity as delivery, sum(loaded_rows)::bigint as loaded,
                sum(unchanged_rows)::bigint as unchanged,
                sum(quarantined_rows)::bigint as quarantined, sum(left_out_rows)::bigint as left_out
            from operations.loads where status = 'loaded' and retired_at is null group by 1
        ) on loaded, unchanged, quarantined, left_out into name disposition value rows
        order by delivery
        """
    )
    return (rows,)


@app.cell
def _(alt, mo, rows):
    mo.stop(rows.is_empty(), mo.md("Nothing was loaded."))
    _order = ["loaded", "unchanged", "left_out", "quarantined"]
    alt.Chart(rows).mark_bar().encode(
        y=alt.Y("delivery:N", title="source and entity"),
        x=alt.X("rows:Q", title="share of the rows delivered", stack="normalize", axis=alt.Axis(format="%")),
        color=alt.Color("disposition:N", title=None, sort=_order),
        tooltip=["delivery", "disposition", "rows"],
    ).properties(width=520)
    return


@app.cell
def _(mo, rows):
    _kept_back = rows.filter(rows["disposition"] == "quarantined")["rows"].sum()
    mo.md(f"{_kept_back:,} of {rows['rows'].sum():,} rows are in quarantine.")
    return


@app.cell
def _(company):
    quarantine = company.query(
        """
        select source, entity, field, reason, count(*) as rows, min(source_file) as first_file, min(source_row) as first_row
        from operations.quarantined_rows group by all order by rows desc
        """
    )
    quarantine
    return (quarantine,)


@app.cell
def _(mo):
    mo.md("## Which expectations were not met?")
    return


@app.cell
def _(company):
    checks = company.query(
        """
        select source, entity, severity, description, column_name, count(*) as batches
        from operations.load_checks where not is_met group by all order by severity, batches desc
        """
    )
    checks
    return (checks,)


@app.cell
def _(mo):
    mo.md("## Is every delivered cent in the marts?")
    return


@app.cell
def _(company):
    reconciliation = company.query(
        """
        select component, compared_with, count(*) as compared, count(*) filter (not is_within_tolerance) as apart,
            sum(abs(difference))::double as difference
        from quality.value_reconciliation group by all order by apart desc, component, compared_with
        """
    )
    company.rounded(reconciliation)
    return (reconciliation,)


@app.cell
def _(mo, reconciliation):
    mo.md(
        f"{reconciliation['compared'].sum():,} sums of a month, a source and a component were compared; "
        f"{reconciliation['apart'].sum()} differ by more than rounding."
    )
    return


if __name__ == "__main__":
    app.run()
