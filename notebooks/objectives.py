"""Whether the objectives are being met, and how each KPI moves."""

import marimo

app = marimo.App(width="medium", app_title="Are our objectives being met?")


@app.cell
def _():
    from clientela.query.notebook import alt, mo, published

    company = published()
    mo.md(company.heading("Are our objectives being met?"))
    return alt, company, mo


@app.cell
def _(mo):
    mo.md("## Where does each objective stand?")
    return


@app.cell
def _(company):
    objectives = company.query(
        """
        select objective, kpi, scope, segment, unit, owner, month, due_month, baseline, target, path, actual, status, is_on_track
        from objective.objective_progress
        qualify row_number() over (
            partition by objective order by status = 'to come', case when status = 'to come' then month end, month desc
        ) = 1
        order by is_on_track, due_month, objective
        """
    )
    company.rounded(objectives)
    return (objectives,)


@app.cell
def _(mo, objectives):
    _off = objectives.filter(objectives["is_on_track"] == False)  # noqa: E712
    mo.md(
        f"{len(_off)} of {len(objectives)} objectives are off their path."
        if len(objectives)
        else "The company has set no objectives; docs/objectives.md."
    )
    return


@app.cell
def _(mo):
    mo.md("## How far is each objective on its path?")
    return


@app.cell
def _(company):
    paths = company.query(
        """
        select objective, month, unit, path::double as path, actual::double as actual, target::double as target
        from objective.objective_progress order by objective, month
        """
    )
    return (paths,)


@app.cell
def _(alt, mo, paths):
    mo.stop(paths.is_empty(), mo.md("There is no path to draw."))
    _lines = paths.unpivot(["path", "actual"], index=["objective", "month"], variable_name="line", value_name="value")
    alt.Chart(_lines.drop_nulls("value")).mark_line(point=True).encode(
        x=alt.X("yearmonth(month):T", title="month"),
        y=alt.Y("value:Q", title="in the KPI's own unit", scale=alt.Scale(zero=False)),
        color=alt.Color("line:N", title=None, sort=["path", "actual"]),
        facet=alt.Facet("objective:N", columns=2, title=None),
    ).properties(width=270, height=150).resolve_scale(y="independent")
    return


@app.cell
def _(mo):
    mo.md("## How does each KPI of the whole company move?")
    return


@app.cell
def _(company):
    kpis = company.query(
        """
        select kpi, month, unit, value::double as value from objective.kpi_monthly
        where scope = 'company' and is_month_complete and value is not null order by kpi, month
        """
    )
    return (kpis,)


@app.cell
def _(alt, kpis, mo):
    mo.stop(kpis.is_empty(), mo.md("No month is complete yet."))
    _named = kpis.with_columns(name=kpis["kpi"] + ", " + kpis["unit"])
    alt.Chart(_named).mark_line().encode(
        x=alt.X("yearmonth(month):T", title="month"),
        y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False)),
        facet=alt.Facet("name:N", columns=3, title="KPI and its unit"),
    ).properties(width=180, height=90).resolve_scale(y="independent")
    return


@app.cell
def _(kpis, mo):
    _last = kpis.filter(kpis["month"] == kpis["month"].max()) if len(kpis) else kpis
    mo.md(
        f"In the last complete month, {_last['month'][0]:%B %Y}, {len(_last)} KPIs have a value; `objective.kpis` defines each."
        if len(_last)
        else ""
    )
    return


if __name__ == "__main__":
    app.run()
