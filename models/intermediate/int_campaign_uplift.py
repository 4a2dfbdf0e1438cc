"""What each campaign by lot changed for whom; how that is estimated stands in clientela.relationship.uplift."""

from clientela.relationship.uplift import uplift_of_campaigns


def model(dbt, session):
    dbt.config(materialized="table")
    return uplift_of_campaigns(dbt.ref("int_uplift_members").pl())
