"""The segments that each customer is held in at each month-end; how they are held stands in clientela.segment."""

from clientela.segment.month_ends import FIT_COLUMNS, LABEL_COLUMNS, segments_at_month_ends


def model(dbt, session):
    dbt.config(materialized="table")
    return segments_at_month_ends(
        dbt.ref("int_customer_labels").select(", ".join(LABEL_COLUMNS)).pl(),
        dbt.source("memory", "segment_fits").select(", ".join(FIT_COLUMNS)).pl(),
        settings=dbt.config.meta_get("settings", "{}"),
    )
