"""Subscriptions and policies."""

from clientela.contracts.expectations import fact, given

SUITE = (
    given("recurring_amount", "warning", "Every contract states its amount."),
    fact("known_customers_share", "warning", "Nineteen customers in twenty are known to the source.", minimum=0.95),
)
