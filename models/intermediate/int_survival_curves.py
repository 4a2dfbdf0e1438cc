"""How long customers stay, by group; the durations and curves stand in clientela.retention.survival."""

from clientela.retention.curves import SEGMENTATIONS, Endings, curves, landmark
from clientela.warehouse.customer_blocks import CustomerBlocks


def model(dbt, session):
    dbt.config(materialized="table")
    as_of_on = dbt.source("run", "context").select("as_of_on").fetchall()[0][0]
    # who ended a contract, and what it renews
    contracts = (
        dbt.ref("int_contracts_identified")
        .filter("customer_id <> 0")
        .set_alias("contracts")
        .join(dbt.ref("int_contract_links").set_alias("links"), "contracts.contract_id = links.contract_id")
    )
    customers = dbt.ref("int_customers")
    labelled = dbt.ref("int_customer_months_labelled").filter("customer_id <> 0")
    landmark_on = landmark(as_of_on, labelled.min("measured_on").fetchall()[0][0])
    # they were made a block of customers after the other
    states = dbt.ref("int_customer_states").select("customer_id, measured_on, state, first_ordered_on, lapsed_on")
    return curves(
        as_of_on,
        landmark_on,
        Endings.of(CustomerBlocks(None, customers, {"states": states}).frames("states"), landmark_on),
        customers=customers.select("customer_id, acquisition_channel, is_left_censored").pl(),
        contracts=contracts.select(
            "customer_id, source, started_on, ends_on, cancelled_on, cancelled_by, first_started_on, renewed_on"
        ).pl(),
        segments=labelled.filter(f"measured_on = date '{landmark_on}'")
        .select(", ".join(("customer_id", *SEGMENTATIONS)))
        .pl(),
    )
