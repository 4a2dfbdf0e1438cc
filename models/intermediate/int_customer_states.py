"""How each customer stands at each month-end; the rules stand in clientela.retention.states."""

from clientela.retention.month_ends import states_at_month_ends
from clientela.retention.settings import RetentionSettings
from clientela.warehouse.run_settings import read_settings


def model(dbt, session):
    dbt.config(materialized="table")
    as_of_on, left_censored_days = dbt.source("run", "context").select("as_of_on, left_censored_days").fetchall()[0]
    purchases = dbt.ref("int_purchase_days").filter("is_order")
    returns = dbt.ref("int_order_days").filter("customer_id <> 0 and sale_line_count = 0")
    contracts = dbt.ref("int_contracts_identified").filter("customer_id <> 0")
    return states_at_month_ends(
        as_of_on,
        left_censored_days,
        customers=dbt.ref("int_customers").select("first_ordered_on, first_seen_on").pl(),
        purchase_days=purchases.select("customer_id, ordered_on").pl(),
        contracts=contracts.select("customer_id, started_on, ends_on, cancelled_on, cancelled_by").pl(),
        settings=read_settings(dbt.source("run", "retention_settings"), RetentionSettings),
        return_days=returns.select("customer_id, ordered_on").pl(),
    )
