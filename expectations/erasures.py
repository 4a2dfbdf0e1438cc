"""Requests to be forgotten: all are taken; one for an unknown customer is worth a look."""

from clientela.contracts.expectations import fact

SUITE = (
    fact("rows_in_future", "warning", "Nothing is dated after its delivery; what is stays in quarantine.", maximum=0),
    fact("known_customers_share", "warning", "Every customer named is known to the source.", minimum=1),
)
