"""The segments that each customer is held in at each month-end; how they are held stands in clientela.segment."""

from clientela.segment.columns import RULE_ROW
from clientela.segment.month_ends import FIT_COLUMNS, LABEL_COLUMNS, segments_at_month_ends
from clientela.segment.predicates import rule_segments
from clientela.segment.settings import SegmentSettings
from clientela.warehouse.run_settings import read_settings


def model(dbt, session):
    dbt.config(materialized="table")
    settings = read_settings(dbt.source("run", "segment_settings"), SegmentSettings)
    labels, months = dbt.ref("int_rfm_scored"), dbt.ref("int_customer_months")
    by_rule = None
    if settings.rules:
        key = "labels.customer_id = months.customer_id and labels.measured_on = months.measured_on"
        row = labels.set_alias("labels").join(months.set_alias("months"), key)
        read = row.select(f"labels.customer_id, labels.measured_on, {RULE_ROW}")
        by_rule = rule_segments(read.to_arrow_reader(), settings.rules)
    return segments_at_month_ends(
        labels.select(", ".join(LABEL_COLUMNS)).pl(),
        dbt.source("memory", "segment_fits").select(", ".join(FIT_COLUMNS)).pl(),
        settings,
        by_rule,
    )
