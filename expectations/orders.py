"""Headers of orders: a customer, and amounts that are no line's."""

from clientela.contracts.expectations import fact, given

SUITE = (
    given("customer_key", "warning", "Nine orders in ten name their customer.", mostly=0.9),
    fact(
        "rows_in_future", "warning", "No order is dated after its delivery; one that is stays in quarantine.", maximum=0
    ),
    fact("known_customers_share", "warning", "Half of the customers named are known to the source.", minimum=0.5),
    fact(
        "rows_to_past",
        "warning",
        "The batch has between a fifth and five times the usual rows.",
        minimum=0.2,
        maximum=5,
    ),
    fact("days_since_last_event", "warning", "The newest order is at most seven days old.", maximum=7),
)
