"""Each objective against plan, month by month, and what each segment moved; the rules stand in clientela.objective.progress."""

import polars as pl

from clientela.objective.progress import progress


def model(dbt, session):
    dbt.config(materialized="table")
    complete = dbt.ref("int_customer_months").filter("is_month_complete").aggregate("max(month)")
    reached, moved = progress(
        dbt.ref("stg_objectives").pl().to_dicts(),
        dbt.ref("stg_kpis").pl().to_dicts(),
        dbt.ref("int_kpi_values").pl(),
        complete.fetchall()[0][0],
    )
    return pl.concat(
        [reached.with_columns(row_type=pl.lit("month")), moved.with_columns(row_type=pl.lit("contribution"))],
        how="diagonal",
    )
