"""Invented companies that forecasts are judged on: half of one family of models, half a mixture that no candidate is.

Belongs here: drawing purchase days of customers from a seed. Does not belong here: any model or score. An even seed draws a
company of one process, without season, drift or shocks: one of the candidates is right. An odd seed mixes three kinds of
customers (regular ones of Erlang gaps, ones who come in bursts, ones whose rate fades until they leave), and lets the company
grow or shrink, its rate drift, its year have a season, each month a shock of its own, margins drift and some goods come back
weeks later.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

START = date(2021, 1, 1)
MONTHS = 48
DAYS = (date(2025, 1, 1) - START).days
FAMILIES = ("pareto_nbd", "mbg_nbd", "nbd", "bg_nbd", "mbg_cnbd_k")
_SEASON = np.array([-0.25, -0.45, -0.15, -0.1, 0.0, 0.1, -0.05, -0.35, 0.0, 0.05, 0.35, 0.85])


@dataclass(frozen=True)
class Company:
    """orders: customer_id, ordered_on, is_order, net_revenue, contribution; process: the family's name, or `mixed`."""

    seed: int
    process: str
    orders: pl.DataFrame


def company(seed: int, customers: int = 1200) -> Company:
    """The company of a seed, over four years from START."""
    rng = np.random.default_rng([20, seed])
    mixed = seed % 2 == 1
    arrivals = np.sort(_arrivals(rng, customers, growth=rng.uniform(-0.3, 0.6) if mixed else 0.0))
    clock = _clock(rng) if mixed else np.arange(DAYS + 1.0)
    process = "mixed" if mixed else FAMILIES[(seed // 2) % len(FAMILIES)]
    weekly = rng.uniform(0.06, 0.3)  # orders a week while somebody is a customer
    mean_life = rng.uniform(80, 300)
    rows: list[tuple[int, float]] = []
    kinds = rng.choice(3, customers, p=rng.dirichlet([4, 4, 4])) if mixed else np.zeros(customers, dtype=int)
    for customer, came in enumerate(arrivals, start=1):
        if mixed:
            times = _mixed(rng, int(kinds[customer - 1]), weekly / 7, mean_life * 7, came, clock)
        else:
            times = _plain(rng, process, weekly / 7, mean_life * 7, came)
        rows += [(customer, came), *((customer, t) for t in times)]
    frame = pl.DataFrame(rows, schema=["customer_id", "at"], orient="row").filter(pl.col("at") < DAYS)
    frame = (
        frame.with_columns(day=pl.col("at").floor().cast(pl.Int64))
        .unique(["customer_id", "day"])
        .sort("customer_id", "day")
    )
    return Company(seed, process, _with_money(rng, frame, mixed))


def _arrivals(rng: np.random.Generator, customers: int, growth: float) -> np.ndarray:
    """Days of first orders: a tenth in the first month, the others over four years at a rate that grows by so much a year."""
    first = rng.uniform(0, 31, customers // 10)
    years = np.linspace(0, 4, 2001)
    share = np.concatenate([[0], np.cumsum(np.exp(growth * years[1:]))])
    return np.concatenate([first, np.interp(rng.random(customers - len(first)), share / share[-1], years) * 365.25])


def _clock(rng: np.random.Generator) -> np.ndarray:
    """The company's own time at each day: it runs faster in season, by the drift, and by each month's shock."""
    strength, drift, shock = rng.uniform(0, 0.6), rng.uniform(-0.25, 0.2), rng.uniform(0.03, 0.1)
    days = [START + timedelta(days=k) for k in range(DAYS)]
    month = np.array([(d.year - START.year) * 12 + d.month - 1 for d in days])
    shocks = np.exp(rng.normal(0, shock, MONTHS) - shock**2 / 2)
    pace = (1 + strength * _SEASON[month % 12]) * np.exp(drift * np.arange(DAYS) / 365.25) * shocks[month]
    return np.concatenate([[0.0], np.cumsum(pace)])


def _plain(rng: np.random.Generator, process: str, rate: float, life: float, came: float) -> list[float]:
    own = rng.gamma(0.9, rate / 0.9)
    leaves = rng.exponential(1 / rng.gamma(1.2, 1 / life)) if process == "pareto_nbd" else np.inf
    chance = rng.beta(0.8, 4.0) if process in ("bg_nbd", "mbg_nbd", "mbg_cnbd_k") else 0.0
    if process in ("mbg_nbd", "mbg_cnbd_k") and rng.random() < chance:
        return []
    shape = 2 if process == "mbg_cnbd_k" else 1
    out, at = [], came
    while True:
        at += rng.gamma(shape, 1 / (own * shape)) if own > 1e-9 else np.inf
        if at >= min(DAYS, came + leaves):
            return out
        out.append(at)
        if rng.random() < chance:
            return out


def _mixed(
    rng: np.random.Generator, kind: int, rate: float, life: float, came: float, clock: np.ndarray
) -> list[float]:
    """Orders in the company's own time, told in days."""
    own = rng.lognormal(np.log(rate), 0.9)
    leaves = came + rng.weibull(0.8) * life
    begin, end = np.interp([came, min(leaves, DAYS)], np.arange(DAYS + 1.0), clock)
    out: list[float] = []
    at = begin
    while True:
        if kind == 0:  # regular
            at += rng.gamma(3, 1 / (own * 3))
        elif kind == 1:  # bursts: a pause, then some orders close together
            at += rng.exponential(2.5 / own) if rng.random() < 0.4 else rng.exponential(0.15 / own)
        else:  # fading: a little slower after each order
            at += rng.exponential(1 / (own * 0.93 ** len(out)))
        if at >= end:
            break
        out.append(at)
    return list(np.interp(out, clock, np.arange(DAYS + 1.0)))


def _with_money(rng: np.random.Generator, frame: pl.DataFrame, mixed: bool) -> pl.DataFrame:
    n = frame.height
    customers = int(frame.get_column("customer_id").max())  # type: ignore[arg-type]
    scale = rng.gamma(4, 10, customers + 1)[frame.get_column("customer_id").to_numpy()]
    revenue = np.round(scale * rng.gamma(3, 1 / 3, n), 2) + 0.01
    years = frame.get_column("day").to_numpy() / 365.25
    margin = np.clip(0.35 + (rng.uniform(-0.03, 0.03) if mixed else 0.0) * years + rng.normal(0, 0.03, n), 0.02, 0.9)
    on = pl.lit(START) + pl.duration(days=pl.col("day"))
    orders = frame.select(
        "customer_id",
        ordered_on=on.cast(pl.Date),
        is_order=pl.lit(True),
        net_revenue=pl.Series(revenue),
        contribution=pl.Series(revenue * margin),
    )
    if not mixed:
        return orders
    back = orders.filter(pl.Series(rng.random(n) < 0.05)).with_columns(
        pl.col("ordered_on") + pl.duration(days=20),
        is_order=pl.lit(False),
        net_revenue=-pl.col("net_revenue"),
        contribution=-pl.col("contribution"),
    )
    return pl.concat([orders, back]).filter(pl.col("ordered_on") < START + timedelta(days=DAYS))
