"""Order lines: amounts that add up, orders that have a customer and a past."""

from clientela.contracts.expectations import fact, given

SUITE = (
    given("net_amount", "critical", "Every line has a net amount, or a gross one from which it follows."),
    given("customer_key", "warning", "Nine lines in ten name their customer.", mostly=0.9),
    fact("unbalanced_rows", "critical", "Net is gross less discount, within a cent.", maximum=0),
    fact(
        "rows_in_future", "warning", "No line is dated after its delivery; one that is stays in quarantine.", maximum=0
    ),
    fact("known_customers_share", "warning", "Half of the customers named are known to the source.", minimum=0.5),
    fact("known_products_share", "warning", "Nineteen products in twenty are in the product list.", minimum=0.95),
    fact(
        "returns_of_other_sign",
        "warning",
        "Returns have amounts of one sign; all count as negative, so that of both signs one is turned round.",
        maximum=0,
    ),
    fact(
        "order_amounts_not_taken",
        "warning",
        "What lines say of their whole order is the same on each of them, or on one alone: of values that differ one counts, "
        "and what the others amount to is in no mart.",
        maximum=0,
    ),
    fact("returns_without_sale", "warning", "A return names an order that was delivered.", maximum=0),
    fact(
        "rows_to_past",
        "warning",
        "The batch has between a fifth and five times the usual rows.",
        minimum=0.2,
        maximum=5,
    ),
    fact("total_to_past", "warning", "Its total is between a fifth and five times the usual.", minimum=0.2, maximum=5),
    fact("days_since_last_event", "warning", "The newest line is at most seven days old.", maximum=7),
)
