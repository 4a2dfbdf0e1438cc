"""How long customers stay, by group; the durations and curves stand in clientela.retention.survival."""

from clientela.retention.curves import SEGMENTATIONS, curves


def model(dbt, session):
    dbt.config(materialized="table")
    as_of_on = dbt.source("run", "context").select("as_of_on").fetchall()[0][0]
    contracts = dbt.ref("int_contracts_identified").filter("customer_id <> 0")
    labels = ", ".join(("customer_id", "measured_on", *SEGMENTATIONS))
    return curves(
        as_of_on,
        states=dbt.ref("int_customer_states")
        .select("customer_id, measured_on, state, first_ordered_on, lapsed_on")
        .pl(),
        customers=dbt.ref("int_customers").select("customer_id, acquisition_channel, is_left_censored").pl(),
        contracts=contracts.select("customer_id, started_on, ends_on, cancelled_on, cancelled_by").pl(),
        segments=dbt.ref("int_customer_segments").filter("customer_id is not null").select(labels).pl(),
    )
