"""Which customer each record is; what decides stands in clientela.identity, what it leaves in clientela.identity.step."""

from clientela.identity.step import identify


def model(dbt, session):
    dbt.config(materialized="table")
    return identify(
        session,
        known_records=dbt.ref("int_customer_records"),
        delivered_records=dbt.ref("stg_customers"),
        delivered_decisions=dbt.ref("stg_identity_decisions"),
        customer_registry=dbt.source("memory", "customer_registry"),
    )
