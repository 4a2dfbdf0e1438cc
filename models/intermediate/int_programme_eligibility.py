"""Who meets the conditions of access of each relational activity; see clientela.relationship.programmes."""

from clientela.relationship.programmes import eligible_customers
from clientela.segment.columns import RULE_ROW


def model(dbt, session):
    dbt.config(materialized="table")
    ruled = dbt.ref("stg_programmes").filter("coalesce(rule, '') <> '' and coalesce(campaign_key, '') = ''")
    rules = dict(ruled.select("programme, rule").fetchall())
    labels, months = dbt.ref("int_rfm_scored"), dbt.ref("int_customer_months")
    key = "labels.customer_id = months.customer_id and labels.measured_on = months.measured_on"
    row = (
        labels.filter("customer_id <> 0" if rules else "false")
        .set_alias("labels")
        .join(months.set_alias("months"), key)
    )
    return eligible_customers(row.select(f"labels.customer_id, labels.measured_on, {RULE_ROW}").to_arrow_table(), rules)
