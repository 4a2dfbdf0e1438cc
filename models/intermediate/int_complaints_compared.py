"""Retention after complaints resolved within target against later, matched; see clientela.relationship.campaign_comparisons."""

from clientela.relationship.complaint_comparison import compare_complaints


def model(dbt, session):
    dbt.config(materialized="table")
    followed = dbt.ref("int_complaints_followed")
    return compare_complaints(followed.select("orders_before_group, is_within_target, is_retained").pl())
