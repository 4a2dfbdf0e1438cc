"""Which contract renews which; the rules stand in clientela.lifetime.contract_links."""

from clientela.lifetime.contract_links import link_contracts


def model(dbt, session):
    dbt.config(materialized="table")
    contracts = dbt.ref("int_contracts_identified").filter("customer_id <> 0")
    return link_contracts(contracts.select("contract_id, customer_id, product_id, started_on, over_on").pl())
