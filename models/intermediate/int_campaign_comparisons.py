"""What each campaign changed, beside those held out or who else there was; see clientela.relationship.campaign_comparisons."""

from clientela.relationship.campaign_comparisons import compare_campaigns


def model(dbt, session):
    dbt.config(materialized="table")
    return compare_campaigns(dbt.ref("int_campaign_arms_summed").pl())
