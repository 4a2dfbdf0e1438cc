"""Reference tables: what the contract says of their columns is enough, and no row may be in doubt."""

from clientela.contracts.expectations import fact

SUITE = (fact("quarantined_share", "critical", "Every row of a reference table fits.", maximum=0),)
