"""Contacts in any channel."""

from clientela.contracts.expectations import fact, given

SUITE = (
    given("customer_key", "warning", "Half of the contacts name their customer.", mostly=0.5),
    fact(
        "rows_in_future",
        "warning",
        "No contact is dated after its delivery; one that is stays in quarantine.",
        maximum=0,
    ),
    fact("known_customers_share", "warning", "Half of the customers named are known to the source.", minimum=0.5),
    fact(
        "rows_to_past",
        "warning",
        "The batch has between a tenth and ten times the usual contacts.",
        minimum=0.1,
        maximum=10,
    ),
)
