"""What each relational activity goes with, month by month; see clientela.relationship.campaign_comparisons."""

from clientela.relationship.campaign_comparisons import compare_campaigns


def model(dbt, session):
    dbt.config(materialized="table")
    compared = compare_campaigns(dbt.ref("int_programme_arms_summed").pl())
    return compared.rename({"segmentation": "programme", "segment": "month"}).drop("campaign_id")
