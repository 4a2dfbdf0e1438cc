"""Which customer each record is; what decides stands in clientela.identity, what it reads in clientela.identify."""

from clientela.identify import identify


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("int_customer_records")
    dbt.ref("stg_customers")
    dbt.ref("stg_identity_decisions")
    dbt.source("memory", "customer_registry")
    return identify(session)
