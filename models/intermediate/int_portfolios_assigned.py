"""Which portfolio holds each customer, and why; what decides stands in clientela.relationship.portfolios."""

from clientela.relationship.portfolios import assign_portfolios, columns_of_rules
from clientela.relationship.settings import PortfolioSettings
from clientela.segment.columns import rule_row
from clientela.warehouse.run_settings import read_settings


def model(dbt, session):
    dbt.config(materialized="table")
    [[as_of_on]] = dbt.source("run", "context").select("as_of_on").fetchall()
    remembered = (
        dbt.source("memory", "portfolio_decisions")
        .filter(f"as_of_on <= date '{as_of_on}'")
        .set_alias("kept")
        .join(dbt.ref("int_customer_crosswalk").set_alias("crosswalk"), "kept.record_id = crosswalk.record_id")
        .select("crosswalk.customer_id, as_of_on, run_sequence, portfolio, reason, is_voluntary")
        .to_arrow_table()
    )
    portfolios = dbt.ref("stg_portfolios").to_arrow_table()
    row = dbt.ref("int_portfolio_candidates").set_alias("customer")
    if not portfolios.num_rows and not remembered.num_rows:
        row = row.filter("false").set_alias("customer")
    for alias, table in (("months", dbt.ref("int_customer_months")), ("labels", dbt.ref("int_rfm_scored"))):
        key = f"customer.customer_id = {alias}.customer_id and customer.measured_on = {alias}.measured_on"
        row = row.join(table.set_alias(alias), key)
    read = rule_row(dict.fromkeys(["expected_value", *columns_of_rules(portfolios)]))
    return assign_portfolios(
        row.select(f"customer.*, {read}").to_arrow_table(),
        portfolios,
        dbt.ref("stg_portfolio_fit").to_arrow_table(),
        remembered,
        read_settings(dbt.source("run", "portfolio_settings"), PortfolioSettings),
        as_of_on,
    )
