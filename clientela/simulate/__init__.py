"""An invented company whose truth is known: the files of four systems, the clientela.yml that maps them, and the answers.

What the tool draws and writes belongs here; what is measured with it (the benchmark, proofs of other rooms) does not. The
pipeline never imports this package.
"""

from clientela.simulate.linkage import Score, report
from clientela.simulate.settings import (
    PurchaseParameters,
    SimulateSettings,
    SpendParameters,
    SubscriptionParameters,
)
from clientela.simulate.write import Summary, write_company

__all__ = [
    "PurchaseParameters",
    "Score",
    "SimulateSettings",
    "SpendParameters",
    "SubscriptionParameters",
    "Summary",
    "report",
    "write_company",
]
