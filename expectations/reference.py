"""Reference tables: what the contract says of their columns is enough, and no row may be in doubt."""

from clientela.load.suite import fact

SUITE = (fact("quarantined_share", "critical", "Every row of a reference table fits.", maximum=0),)
