"""How each customer stands at each month-end; the rules stand in clientela.retention.states."""

from functools import partial

from clientela.retention.month_ends import Company, states_of
from clientela.retention.settings import RetentionSettings
from clientela.warehouse.customer_blocks import CustomerBlocks
from clientela.warehouse.run_settings import read_settings


def model(dbt, session):
    dbt.config(materialized="table")
    as_of_on, left_censored_days = dbt.source("run", "context").select("as_of_on, left_censored_days").fetchall()[0]
    purchases = dbt.ref("int_purchase_days").filter("is_order")
    returns = dbt.ref("int_order_days").filter("customer_id <> 0 and sale_line_count = 0")
    contracts = dbt.ref("int_contracts_identified").filter("customer_id <> 0")
    customers = dbt.ref("int_customers")
    read = {
        "purchase_days": purchases.select("customer_id, ordered_on"),
        "return_days": returns.select("customer_id, ordered_on"),
        "contracts": contracts.select("customer_id, started_on, ends_on, cancelled_on, cancelled_by"),
    }
    days = {"purchase_days": "ordered_on", "return_days": "ordered_on", "contracts": "started_on"}
    company = Company.of(
        as_of_on,
        left_censored_days,
        [read[name].min(day).fetchall()[0][0] for name, day in days.items()],
        customers.aggregate("min(first_ordered_on), min(first_seen_on)").fetchall()[0],
        read_settings(dbt.source("run", "retention_settings"), RetentionSettings),
    )
    blocks = CustomerBlocks(session, customers, read)
    return blocks.made(partial(states_of, company.knowing(blocks.frames("purchase_days"))))
