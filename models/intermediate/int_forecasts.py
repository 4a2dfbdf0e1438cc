"""What every customer is expected to bring, at the as-of day and the month-ends before; see clientela.value.forecasts."""

import polars as pl

from clientela.value.forecasts import FORECAST_SCHEMA, forecast_customers
from clientela.value.settings import ValueSettings


def model(dbt, session):
    dbt.config(materialized="table")
    days = dbt.ref("int_purchase_days").pl()
    contracts = (
        dbt.ref("int_contract_terms")
        .select("customer_id, started_on, ends_on, cancelled_on, period_months, contribution::double as contribution")
        .pl()
    )
    as_of, code_version, settings = (
        dbt.source("run", "context").select("as_of_on, code_version, coalesce(value_settings, '{}')").fetchall()[0]
    )

    def earlier(fingerprints):
        # what the last night said, where it was made from the very same
        built = session.sql(
            """
            select column_name from duckdb_columns()
            where database_name = current_database() and schema_name = 'intermediate' and table_name = 'int_forecasts'
            """
        ).fetchall()
        if {name for (name,) in built} != set(FORECAST_SCHEMA):
            return set(), pl.DataFrame(schema=FORECAST_SCHEMA)
        there = session.table("intermediate.int_forecasts").filter(_bears(fingerprints))
        held = {name for (name,) in there.project("made_from").distinct().fetchall()}
        return held, there.filter("part <> 'customer'").pl()

    # the least of a customer's records: the same in whatever order they arrived
    keys = dbt.ref("int_customer_crosswalk").aggregate("customer_id, min(record_id) as key", "customer_id").pl()
    frozen_until = dbt.source("memory", "value_predictions").aggregate("max(as_of_on)").fetchall()[0][0]
    made, taken_over = forecast_customers(
        days, contracts, as_of, ValueSettings.model_validate_json(settings), code_version, earlier, frozen_until, keys
    )
    if not taken_over:
        return made
    # rows of customers that stand go from table to table
    columns = ", ".join(made.columns)
    return session.sql(
        f"""
        select {columns} from intermediate.int_forecasts where part = 'customer' and {_bears(taken_over)}
        union all
        select {columns} from made
        """
    )


def _bears(fingerprints):
    return f"made_from in ({', '.join(repr(fingerprint) for fingerprint in fingerprints)})"
