"""Who was chosen for which campaign."""

from clientela.contracts.expectations import fact

SUITE = (
    fact("known_campaigns_share", "warning", "Every campaign named is known.", minimum=1),
    fact("known_customers_share", "warning", "Half of the customers named are known to the source.", minimum=0.5),
)
