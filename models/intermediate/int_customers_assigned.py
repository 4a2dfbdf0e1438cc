"""Which customer each source record belongs to; the decision itself stands in clientela.identity.registry."""

import polars as pl

from clientela.identity.registry import assign


def model(dbt, session):
    dbt.config(materialized="table")
    records = dbt.ref("int_customer_records").select("record_id, record_id as cluster").pl()
    registry = dbt.source("memory", "customer_registry").select("record_id, customer_id, run_sequence as sequence").pl()
    assignment = assign(records, registry)
    is_added = assignment.added.select("record_id").with_columns(is_added=True)
    crosswalk = assignment.crosswalk.join(is_added, on="record_id", how="left").with_columns(
        pl.col("is_added").fill_null(False)
    )
    # both answers of the one call, told apart by `event`
    return pl.concat([crosswalk, assignment.events], how="diagonal")
