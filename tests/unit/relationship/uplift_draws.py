"""Companies with a campaign by lot whose true effect on each customer is known, drawn by no code of clientela."""

from dataclasses import dataclass

import numpy as np
import polars as pl

#: mean net amount of an order
ORDER = 40.0
TIERS = ("low", "medium", "high")


@dataclass(frozen=True)
class Campaign:
    """What the models hand over, and the true change of each customer's amount."""

    members: pl.DataFrame
    effect: np.ndarray


def draw_campaign(
    rng: np.random.Generator, customers: int, *, varies: bool, mean_effect: float | None = None
) -> Campaign:
    """Half of them are held out. Contact adds an order, or keeps one away, with a chance that is the customer's own.

    varies: the effect's standard deviation is one to one and a half times its mean, along one of four traits; else it is the
    same for all: none in half of the companies. Its mean is 20 to 50 % of what those held out buy, where not given.
    """
    rate, tenure = rng.gamma(0.8, 1.2, customers), rng.uniform(30, 1000, customers)
    orders = rng.poisson(rate * tenure / 200) + 1
    silent = np.minimum(rng.exponential(200 / (rate + 0.3)), tenure)
    spend = rng.lognormal(0, 0.4, customers) / np.exp(0.08)
    web = rng.beta(0.5, 0.5, customers)
    revenue = orders * spend * rng.gamma(4, 0.25, customers) * ORDER
    chance = 0.05 + 0.35 * np.exp(-silent / 150) * (1 - np.exp(-rate))
    trait = ((silent > 60) & (silent < 250), np.log1p(orders), web > 0.5, np.log1p(revenue))[rng.integers(4)].astype(
        float
    )
    mean = rng.uniform(0.2, 0.5) * chance.mean() if mean_effect is None else mean_effect * chance.mean()
    if not varies and mean_effect is None and rng.random() < 0.5:
        mean = 0.0
    share = np.full(customers, mean)
    if varies:
        share += mean * rng.uniform(1.0, 1.5) * rng.choice([-1, 1]) * (trait - trait.mean()) / trait.std()
    is_chosen = rng.permutation(customers) < customers // 2
    own = (rng.random(customers) < chance) * spend * rng.gamma(2, 0.5, customers) * ORDER
    # an order more or less is nobody's in particular: its amount does not go with what is known
    other = rng.gamma(2, 0.5, customers) * ORDER
    changed = is_chosen * np.sign(share) * (rng.random(customers) < np.abs(share)) * other
    members = pl.DataFrame(
        {
            "campaign_id": np.full(customers, rng.integers(1, 2**53)),
            "customer_id": np.arange(1, customers + 1),
            "is_chosen": is_chosen,
            "value_tier": _tiers(revenue),
            "engagement_tier": _tiers(orders + rng.random(customers)),
            "rfm_group": _tiers(-silent),
            "is_buyer": (own + changed) > 0,
            "net_revenue": own + changed,
            "contribution": np.full(customers, np.nan),
            "net_revenue_without_cost": own + changed,
            "cumulative_orders": orders.astype(float),
            "tenure_days": tenure,
            "days_since_last_order": silent,
            "recency_ratio": silent / (tenure / orders),
            "cumulative_net_revenue": revenue,
            "web_share": web,
            **{f"other_{number}": rng.normal(size=customers) for number in range(8)},
            "satisfaction": np.where(rng.random(customers) < 0.3, np.nan, rng.uniform(0, 10, customers)),
        }
    ).with_columns(pl.col("contribution", "satisfaction").fill_nan(None))
    return Campaign(members, share * ORDER)


def _tiers(values: np.ndarray) -> list[str]:
    ranks = values.argsort().argsort() * 3 // len(values)
    return [TIERS[rank] for rank in ranks]
