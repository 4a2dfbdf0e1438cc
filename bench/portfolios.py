"""Assigning customers to portfolios, first with nobody held and a month later: CPU seconds for a million in 200.

What belongs here: the measurement. `python -m bench 0 --identity 0 --portfolios 1000000` runs it, as part of `make bench`.
"""

import time
from datetime import date

import numpy as np
import polars as pl

from clientela.relationship.portfolios import assign_portfolios
from clientela.relationship.settings import PortfolioSettings

PORTFOLIOS, REGIONS = 200, 20


def company(customers: int, seed: int = 1, *, many_kinds: bool = False) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Customers of skewed worth in twenty regions, and portfolios that hold nine in ten: by region, tier or rule."""
    rng = np.random.default_rng(seed)
    value = rng.lognormal(3, 1.4, customers)
    tier = np.where(value > np.quantile(value, 0.9), "high", np.where(value > np.quantile(value, 0.5), "medium", "low"))
    people = pl.DataFrame(
        {
            "customer_id": np.arange(1, customers + 1), "record_id": np.arange(1, customers + 1),
            "region": [f"r{n}" for n in rng.integers(0, REGIONS, customers)], "city": "town", "country": "ES",
            "language": "es", "value_tier": tier,
            "contact_hours": rng.gamma(0.4, 1.0, customers),
            "expected_value": value, "orders_12m": rng.poisson(3, customers), "tenure_days": rng.integers(1, 2000, customers),
        }
    ).with_columns(pl.lit(date(2026, 6, 30)).alias("measured_on"))  # fmt: skip
    capacity = round(customers * 0.9 / PORTFOLIOS)
    portfolios = pl.DataFrame(
        {
            "portfolio": [f"p{n:03}" for n in range(PORTFOLIOS)],
            "rule": ["orders_12m >= 2" if n % 4 == 0 else None for n in range(PORTFOLIOS)],
            "capacity": [capacity] * PORTFOLIOS,
            "capacity_hours": [capacity * 0.6 if n % 2 else None for n in range(PORTFOLIOS)],
            "territories": [
                ", ".join(f"r{(n + k) % REGIONS}" for k in range(4)) if n % 5 else None for n in range(PORTFOLIOS)
            ],
            "languages": [None] * PORTFOLIOS,
            "tiers": ["high, medium" if n % 7 == 0 else None for n in range(PORTFOLIOS)],
            "opened_on": [date(2020, 1, 1)] * PORTFOLIOS,
            "closed_on": [None] * PORTFOLIOS,
        },
        schema_overrides={"closed_on": pl.Date, "languages": pl.String},
    )
    if many_kinds:
        regions = 2 * REGIONS
        people = people.with_columns(
            region=pl.Series([f"r{n}" for n in rng.integers(0, regions, customers)]),
            language=pl.Series(rng.choice(["es", "en", "ca"], customers)),
        )
        portfolios = portfolios.with_columns(
            rule=pl.Series(_every(("orders_12m >= 2", None, "tenure_days > 700", None))),
            territories=pl.Series(
                [
                    ", ".join(f"r{(3 * n + 7 * k) % regions}" for k in range(6)) if n % 5 else None
                    for n in range(PORTFOLIOS)
                ]
            ),
            languages=pl.Series(_every(("es, en", "ca", None))),
        )
    return people, portfolios


def _every(turn: tuple[str | None, ...]) -> list[str | None]:
    return [turn[number % len(turn)] for number in range(PORTFOLIOS)]


def speed(customers: int, *, many_kinds: bool = False) -> dict[str, float]:
    """CPU seconds of the first plan, and of the next month's over what the first remembered; how many are held, and who moved."""
    people, portfolios = company(customers, many_kinds=many_kinds)
    fit = pl.DataFrame(schema={"portfolio": pl.String, "value_tier": pl.String, "fit": pl.Float64})
    schema = {"customer_id": pl.Int64, "as_of_on": pl.Date, "run_sequence": pl.Int64, "portfolio": pl.String,
              "reason": pl.String, "is_voluntary": pl.Boolean}  # fmt: skip
    frames = (people.to_arrow(), portfolios.to_arrow(), fit.to_arrow())
    began = time.process_time()
    first = assign_portfolios(*frames, pl.DataFrame(schema=schema).to_arrow(), PortfolioSettings(), date(2026, 6, 30))
    took = time.process_time() - began
    kept = first.filter(pl.col("customer_id").is_not_null()).with_columns(as_of_on=date(2026, 6, 30), run_sequence=1)
    remembered = kept.select(list(schema)).cast(pl.Schema(schema)).to_arrow()
    began = time.process_time()
    next_month = assign_portfolios(*frames, remembered, PortfolioSettings(), date(2026, 7, 31))
    later = time.process_time() - began
    moved = next_month.filter("is_changed").height
    return {"first": took, "next": later, "held": first["portfolio"].is_not_null().sum(), "moved": moved}
