"""What serving a customer costs: a rate per day that they are one, never a charge on every order for what happened once.

What belongs here: each customer's cost per day, drawn to that of all. What does not: for how many days they will be a
customer (forecast.py), which contacts and rewards cost how much (the models).

How often and how much are told apart, as an insurer does: days that cost something come at a customer's own rate, the rates
gamma-distributed between customers (Poisson-gamma, its shape by moments); what such a day costs is the customer's mean, drawn to
that of all. So a single repair says little of a customer, whatever it cost, and one a week for months says much.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from clientela.lifetime.arrays import Floats

#: the gamma's shape is a customer's prior in days that cost something: below this a single one would tell nearly everything
_LEAST_SHAPE, _MOST_SHAPE = 0.2, 100.0
#: as many days of usual cost stand beside the customer's own
_DAYS_BESIDE = 10.0


@dataclass(frozen=True)
class UsualCost:
    """What serving customers usually costs. often: days that cost something, per day; dear: what such a day costs; shape: of the
    gamma distribution of their rates."""

    often: float
    dear: float
    shape: float


#: gives what is usual, and is told how to learn it
Learn = Callable[[Callable[[], UsualCost]], UsualCost]


def cost_per_day(
    served: pl.DataFrame, customers: pl.DataFrame, as_of: date, learn: Learn = lambda anew: anew()
) -> Floats:
    """What serving each customer costs a day; shape (n,), in the order of `customers`.

    served: customer_id, ordered_on, cost_to_serve, one row per customer and day; rows after as_of, or before the customer's
    first order, are left out. customers: customer_id, first_ordered_on. learn: what is usual may have been learnt before.
    """
    cost = pl.col("cost_to_serve").cast(pl.Float64)
    known = (
        served.join(customers.select("customer_id", "first_ordered_on"), on="customer_id", how="inner")
        .filter((pl.col("ordered_on") <= as_of) & (pl.col("ordered_on") >= pl.col("first_ordered_on")))
        .sort("customer_id", "ordered_on")
        .group_by("customer_id", maintain_order=True)
        .agg(cost.sum().alias("cost"), pl.len().cast(pl.Float64).alias("events"))
    )
    costs = customers.join(known, on="customer_id", how="left", maintain_order="left").select(
        pl.col("cost", "events").fill_null(0.0),
        days=((pl.lit(as_of) - pl.col("first_ordered_on")).dt.total_days() + 1).cast(pl.Float64),
    )
    total, events, days = (costs.get_column(name).to_numpy() for name in ("cost", "events", "days"))
    if not events.any():
        return np.zeros(len(total))

    def anew() -> UsualCost:
        often, dear = float(events.sum() / days.sum()), float(total.sum() / events.sum())
        return UsualCost(often, dear, _shape(events, often * days))

    usual = learn(anew)
    rate = (events + usual.shape) / (days + usual.shape / usual.often)
    return np.asarray(rate * (total + _DAYS_BESIDE * usual.dear) / (events + _DAYS_BESIDE))


def _shape(events: Floats, expected: Floats) -> float:
    """The gamma's shape by moments: how much more the events vary than Poisson counts of the same mean would."""
    more = float(((events - expected) ** 2 - expected).sum())
    return float(np.clip((expected**2).sum() / more, _LEAST_SHAPE, _MOST_SHAPE)) if more > 0 else _MOST_SHAPE
