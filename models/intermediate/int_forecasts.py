"""What every customer is expected to bring, at the as-of day and the month-ends before; see clientela.value.forecasts."""

import polars as pl
import pyarrow as pa

from clientela.lifetime.contract_history import COLUMNS
from clientela.value.forecasts import FORECAST_SCHEMA, Before, forecast_customers
from clientela.value.settings import ValueSettings
from clientela.warehouse.run_settings import read_settings
from clientela.warehouse.tables import built_before

ROWS_AT_ONCE = 100_000


def model(dbt, session):
    dbt.config(materialized="table")
    days = dbt.ref("int_purchase_days").pl()
    contracts = dbt.ref("int_contract_terms").select(
        f"{', '.join(COLUMNS)}, recurring_amount::double as recurring_amount, contribution::double as contribution"
    )
    as_of, code_version = dbt.source("run", "context").select("as_of_on, code_version").fetchall()[0]
    settings = read_settings(dbt.source("run", "value_settings"), ValueSettings)

    def earlier(fingerprints):
        # what the last night said, where it was made from the very same
        before = built_before(session, "int_forecasts", FORECAST_SCHEMA)
        if before is None:
            return set(), pl.DataFrame(schema=FORECAST_SCHEMA)
        there = before.filter(_bears(fingerprints))
        held = {name for (name,) in there.project("made_from").distinct().fetchall()}
        return held, there.filter("row_type <> 'customer'").pl()

    # the least of a customer's records: the same in whatever order they arrived
    keys = dbt.ref("int_customer_crosswalk").aggregate("customer_id, min(record_id) as key", "customer_id").pl()
    # what was frozen on a later day, which the data do not reach any more, is no reason to freeze nothing now
    frozen = dbt.source("memory", "value_predictions").filter(f"as_of_on <= date '{as_of}'")
    frozen_until = frozen.aggregate("max(as_of_on)").fetchall()[0][0]
    measured = forecast_customers(
        days, contracts.pl(), as_of, settings, Before(code_version, earlier, frozen_until), keys
    )
    schema = pl.DataFrame(schema=FORECAST_SCHEMA).to_arrow().schema

    def batches():
        for made, taken_over in measured:
            yield from made.to_arrow().cast(schema).to_batches()
            if taken_over:
                stands = session.sql(
                    f"""
                    select {", ".join(schema.names)} from intermediate.int_forecasts
                    where row_type = 'customer' and {_bears([taken_over])}
                    """
                )
                yield from (batch.cast(schema) for batch in stands.to_arrow_reader(ROWS_AT_ONCE))

    # the table is written as the days are made
    return pa.RecordBatchReader.from_batches(schema, batches())


def _bears(fingerprints):
    return f"made_from in ({', '.join(repr(fingerprint) for fingerprint in fingerprints)})"
