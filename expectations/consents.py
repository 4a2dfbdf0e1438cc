"""What customers agreed to. A consent dated in the future would count too early, so none is loaded."""

from clientela.load.suite import fact

SUITE = (
    fact("rows_in_future", "critical", "Nothing is dated after the load.", maximum=0),
    fact("known_customers_share", "warning", "Nineteen customers in twenty are known to the source.", minimum=0.95),
)
