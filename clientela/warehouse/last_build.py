"""What the last build left, for a Python model that makes some months anew and lets the others stand.

Belongs here: reading a model's own table before it is replaced, and from which day on it is made anew. Does not belong here:
which months are touched (dbt/macros/touched.sql).
"""

from datetime import date

import duckdb
import polars as pl

#: the tables of such models, as SCHEMA.NAME: without one of them there is nothing to go on from
GONE_ON_FROM = frozenset({"intermediate.int_kpi_values"})


def first_touched_day(touched_months: duckdb.DuckDBPyRelation) -> date | None:
    """The first day of what is made anew, by the model `int_touched_months`; None where that is everything."""
    number = touched_months.aggregate("min(month_number)").fetchall()[0][0]
    return date((number - 1) // 12, (number - 1) % 12 + 1, 1) if number else None


def left_by_last_build(connection: duckdb.DuckDBPyConnection, relation: str) -> pl.DataFrame | None:
    """The model's table as it is; None where it is not there."""
    try:
        left: pl.DataFrame = connection.sql(f"select * from {relation}").pl()
    except duckdb.CatalogException:
        return None
    return left
