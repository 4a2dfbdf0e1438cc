"""The segments that each customer is held in at each month-end; how they are held stands in clientela.segment."""

from functools import partial

from clientela.segment.columns import BEHAVIOUR, RULE_ROW
from clientela.segment.month_ends import FIT_COLUMNS, LABEL_COLUMNS, Company, segments_of
from clientela.segment.settings import SegmentSettings
from clientela.warehouse.customer_blocks import CustomerBlocks
from clientela.warehouse.run_settings import read_settings


def model(dbt, session):
    dbt.config(materialized="table")
    settings = read_settings(dbt.source("run", "segment_settings"), SegmentSettings)
    labels, months = dbt.ref("int_rfm_scored"), dbt.ref("int_customer_months")
    read = {"labels": labels.select(", ".join(LABEL_COLUMNS))}
    if settings.rules:
        key = "labels.customer_id = months.customer_id and labels.measured_on = months.measured_on"
        row = labels.set_alias("labels").join(months.set_alias("months"), key)
        read["rule_rows"] = row.select(f"labels.customer_id, labels.measured_on, {RULE_ROW}")
    current = labels.filter("is_current_customer")
    buyers = current.filter("days_since_last_order is not null")
    company = Company.of(
        values=current.select("measured_on, tier_value").pl(),
        buyers=dict(buyers.aggregate("measured_on, count(*)", "measured_on").fetchall()),
        buyers_on=lambda day: (
            buyers.filter(f"measured_on = date '{day}'").select(", ".join(("customer_id", *BEHAVIOUR))).pl()
        ),
        remembered=dbt.source("memory", "segment_fits").select(", ".join(FIT_COLUMNS)).pl(),
        settings=settings,
    )
    return CustomerBlocks(session, labels, read).made(partial(segments_of, company), below=company.fit_rows)
