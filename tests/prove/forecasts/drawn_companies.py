"""Companies drawn event by event, with nothing of clientela's: half from families that its models fit, half that mix processes.

Half: Pareto/NBD (with and without a season), BG/NBD, NBD. The other half: regular and bursty buyers, one-time buyers, Weibull
deaths beside people who never leave, long pauses, monthly shocks, and by turns growth, drift and a season.
"""

from datetime import date, timedelta

import numpy as np
import polars as pl

START = date(2021, 1, 1)
DAYS = 1461
LAST = START + timedelta(days=DAYS - 1)
KINDS = ("pareto", "mixed", "bg", "mixed_grow", "nbd", "mixed_drift", "pareto_season", "mixed_shock")
_JOINING_DAYS = 1170


def drawn_company(seed: int, customers: int = 1500) -> tuple[str, pl.DataFrame]:
    """(kind, purchase days with net_revenue and contribution) of four years; customers join for the first three and more."""
    rng = np.random.default_rng([20, seed])
    kind = KINDS[(seed - 1) % len(KINDS)]
    mixed = kind.startswith("mixed")
    days = np.arange(DAYS + 1)
    level = np.zeros(DAYS + 1)
    if kind == "mixed_drift":
        level += rng.choice([-1, 1]) * rng.uniform(0.1, 0.3) * days / 365.25
    if kind in ("pareto_season", "mixed_shock", "mixed_grow"):
        level += rng.uniform(0.1, 0.4) * np.sin(2 * np.pi * (days / 365.25 - rng.random()))
    if mixed:
        level += rng.normal(0, rng.uniform(0.03, 0.12), DAYS // 30 + 2)[days // 30]
    # how far the company's own clock has run by each day: customers' gaps are drawn on it
    clock = np.concatenate([[0.0], np.cumsum(np.exp(level)[:-1])])
    n = customers
    if kind == "mixed_grow":
        growth = rng.uniform(0.3, 0.8) * 3.2
        arrives = np.log1p(rng.random(n) * np.expm1(growth)) / growth * _JOINING_DAYS
    else:
        arrives = rng.uniform(0, _JOINING_DAYS, n)
    arrives[rng.random(n) < rng.uniform(0, 0.35)] = 0
    mean_gap = np.exp(rng.uniform(np.log(12), np.log(110)))
    r = rng.uniform(0.5, 2.0)
    rate = rng.gamma(r, 1 / (r * mean_gap), n)
    shape, death, drops = np.ones(n), np.full(n, np.inf), np.zeros(n)
    life = rng.uniform(250, 900)
    if mixed:
        regular = rng.random(n) < rng.uniform(0.2, 0.7)
        shape = np.where(regular, rng.uniform(2, 5), rng.choice([0.6, 1.0]))
        rate = np.where(regular, rate + 1 / (3 * mean_gap), rate)
        one_time = rng.random(n) < rng.uniform(0.05, 0.35)
        died = rng.weibull(rng.uniform(0.7, 1.4), n) * life
        death = np.where(rng.random(n) < 0.75, died, np.inf)
        death[one_time] = 0.5
    elif kind.startswith("pareto"):
        s = rng.uniform(0.6, 2)
        death = rng.exponential(1 / rng.gamma(s, 1 / (s * life), n))
    elif kind == "bg":
        drops = rng.beta(rng.uniform(0.4, 1), rng.uniform(2, 6), n)
    pause = np.where(mixed & (rng.random(n) < 0.35), rng.uniform(60, 240), 0)
    pauses = np.where(pause > 0, rng.uniform(0.03, 0.15, n), 0)
    at_clock, at = np.interp(arrives, days, clock), arrives.copy()
    who, when = [np.arange(n)], [np.floor(at)]
    death = arrives + death
    going = np.arange(n)
    if drops.any():
        rng.random(n)  # BG/NBD: nobody drops out at the first order
    while going.size:
        gap = rng.gamma(shape[going], 1 / shape[going]) / rate[going]
        stops = rng.random(going.size) < pauses[going]
        at_clock[going] += gap + np.where(stops, rng.exponential(np.maximum(pause[going], 1e-9)), 0)
        at[going] = np.interp(at_clock[going], clock, days, right=DAYS + 1)
        going = going[(at[going] < DAYS) & (at[going] < death[going])]
        who.append(going)
        when.append(np.floor(at[going]))
        going = going[rng.random(going.size) >= drops[going]]
    customer, day = np.concatenate(who), np.concatenate(when).astype(int)
    amount = np.exp(rng.normal(3.5, 0.6, n))[customer] * np.exp(rng.normal(0, 0.4, len(customer)))
    bought = pl.DataFrame({"customer_id": customer + 1, "day": day, "net_revenue": np.round(amount, 2)}).select(
        "customer_id",
        "net_revenue",
        ordered_on=pl.lit(START) + pl.duration(days="day"),
        contribution=pl.col("net_revenue") * 0.4,
    )
    bought = bought.group_by("customer_id", "ordered_on").agg(pl.col("net_revenue", "contribution").sum())
    return kind, bought.sort("customer_id", "ordered_on")
