"""Campaigns drawn by lot with a known effect, many at a time: sums of the two arms as the models leave them.

A customer buys with a probability, and then for an amount that is skewed as shops' amounts are: lognormal, whose mean is
1.65 times its median. Contact makes some of those assigned buy once more for such an amount.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

BUYERS, SIGMA, MEDIAN = 0.12, 1.0, 20.0
MEAN = MEDIAN * float(np.exp(SIGMA**2 / 2))

Sums = NDArray[np.float64]


@dataclass(frozen=True)
class Arm:
    """Campaign × customer: what each bought."""

    amounts: Sums

    def columns(self) -> dict[str, object]:
        buyers = (self.amounts > 0).sum(axis=1)
        sums, squares = self.amounts.sum(axis=1), (self.amounts**2).sum(axis=1)
        return {
            "customers": np.full(len(sums), self.amounts.shape[1]), "buyers": buyers, "buyers_before": 0,
            "buyer_share_sum": buyers.astype(float), "buyer_share_squares": buyers.astype(float),
            "net_revenue_sum": sums, "net_revenue_squares": squares,
            "contribution_sum": 0.3 * sums, "contribution_squares": 0.09 * squares,
        }  # fmt: skip


def draw(rng: np.random.Generator, campaigns: int, lift: float, customers: int = 5_000) -> tuple[Arm, Arm]:
    """(assigned, held out) of campaigns each of which adds `lift` orders per customer; the true effect is `lift * MEAN`."""
    arms = []
    for extra in (lift, 0.0):
        shape = (campaigns, customers)
        amounts = np.zeros(shape)
        for chance in (BUYERS, extra):
            comes = rng.random(shape) < chance
            amounts[comes] += rng.lognormal(np.log(MEDIAN), SIGMA, int(comes.sum()))
        arms.append(Arm(amounts))
    return arms[0], arms[1]


def frame(assigned: Arm, held_out: Arm) -> pl.DataFrame:
    """The sums of both arms, a campaign per row of them."""
    return pl.concat(
        pl.DataFrame(
            {
                "campaign_id": np.arange(len(arm.amounts)),
                "segmentation": "all", "segment": "all", "stratum": "", "is_chosen": is_chosen, "is_randomised": True,
                **arm.columns(),
            }
        )
        for is_chosen, arm in ((True, assigned), (False, held_out))
    )  # fmt: skip
