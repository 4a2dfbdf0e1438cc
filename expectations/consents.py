"""What customers agreed to."""

from clientela.contracts.expectations import fact

SUITE = (
    fact("rows_in_future", "warning", "Nothing is dated after its delivery; what is stays in quarantine.", maximum=0),
    fact("known_customers_share", "warning", "Nineteen customers in twenty are known to the source.", minimum=0.95),
)
