"""The models of the campaigns over tables that a test fills: who was chosen, what was sold, how customers were labelled."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import duckdb
import polars as pl

from clientela.relationship.campaign_comparisons import compare_campaigns
from clientela.warehouse.expiries import AMOUNTS
from clientela.warehouse.run_settings import write_settings
from tests.unit.rendering import rendered

BEFORE = (
    "int_campaigns_known",
    "int_campaign_members", "int_campaigns", "int_campaign_windows", "int_campaign_periods", "int_campaigns_entered",
    "int_campaign_customers", "int_campaign_arms_summed", "int_uplift_members",
)  # fmt: skip
AFTER = ("campaign_contacts", "campaigns", "campaign_results")
TABLES = """
    set timezone = 'UTC'; set threads = 1;
    create schema run;
    create table run.context (as_of_on date, time_zone varchar);
    create table int_customer_crosswalk (record_id bigint, customer_id bigint);
    create table audience_writes (
        run_id varchar, campaign_key varchar, event varchar, occurred_at timestamptz, audience varchar, channel varchar,
        approach varchar, fixed_cost decimal(18, 4), unit_cost decimal(18, 4)
    );
    create table campaign_splits (campaign_key varchar, record_id bigint, arm varchar);
    create table stg_campaigns (
        campaign_id bigint, source varchar, campaign_key varchar, campaign_name varchar, kind varchar, approach varchar,
        channel varchar, goal varchar, budget_amount decimal(18, 4), fixed_cost decimal(18, 4), unit_cost decimal(18, 4),
        started_on date, ended_on date
    );
    create table int_campaign_contacts_dated (
        campaign_contact_id bigint, customer_record_id bigint, campaign_id bigint, source varchar, campaign_name varchar,
        role varchar, channel varchar, is_date_assumed boolean, contacted_on date
    );
    create table int_order_lines_identified (
        order_id bigint, customer_id bigint, campaign_id bigint, ordered_on date, is_return boolean,
        net_amount decimal(18, 4), contribution decimal(18, 4), cost_amount decimal(18, 4)
    );
    create table int_interactions_identified (customer_id bigint, campaign_id bigint, kind varchar, opened_on date);
    create table int_customer_months_labelled (
        customer_id bigint, measured_on date, is_buyer boolean, value_tier varchar, engagement_tier varchar, rfm_group varchar,
        days_since_last_order bigint, tenure_days bigint, cumulative_orders bigint, cumulative_net_revenue double,
        orders_12m bigint, active_months_12m bigint, net_revenue_12m double, discount_share_12m double, categories_12m bigint,
        products_12m bigint, channels_12m bigint, active_contracts bigint, campaign_contacts_12m bigint,
        campaign_answers_12m bigint, satisfaction_12m double, recency_ratio double, p_alive double, expected_value double,
        engagement_score double
    );
    create view int_order_days as
    select
        order_id, customer_id, ordered_on, count(*) filter (where not is_return) as sale_line_count,
        sum(net_amount) as net_amount, sum(contribution) as contribution,
        coalesce(sum(net_amount) filter (where cost_amount is null), 0) as net_amount_without_cost
    from int_order_lines_identified group by all;
"""


def campaign_results(
    as_of: date, tables: Mapping[str, Sequence[Mapping[str, Any]] | pl.DataFrame]
) -> duckdb.DuckDBPyConnection:
    """A connection with the models' tables; a table that is not given is empty, a column that is not given null."""
    connection = duckdb.connect()
    connection.execute(TABLES)
    connection.execute(f"create schema ledger; create table ledger.expired_amounts ({AMOUNTS})")
    connection.execute("insert into run.context values (?, 'UTC')", [as_of])
    write_settings(connection)
    for table, rows in tables.items():
        incoming = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows, infer_schema_length=None)
        connection.register("incoming", incoming.to_arrow())
        connection.execute(f"insert into {table} by name select * from incoming")
    for model in BEFORE:
        # a database in memory is itself called memory, as a schema of ours is
        sql = rendered(model).replace("memory.", "")
        connection.execute(f"create view {model} as {sql}")
    compared = compare_campaigns(connection.sql("from int_campaign_arms_summed").pl())
    connection.register("compared", compared.to_arrow())
    connection.execute("create table int_campaign_comparisons as from compared")
    for model in AFTER:
        connection.execute(f"create view {model} as {rendered(model)}")
    return connection
