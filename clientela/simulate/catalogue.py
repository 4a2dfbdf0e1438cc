"""What the company sells, and the rates it works with: products, margins, exchange rates, cost rates, cost of winning customers.

How much of it anyone buys stands in `baskets`.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from clientela.simulate.settings import SimulateSettings
from clientela.simulate.streams import Floats, Ints, stream

PRODUCTS_PER_CATEGORY = 40
#: category, department, tax in per cent, margin
CATEGORIES = (
    ("Aceites y conservas", "Alimentación", 10, 0.28), ("Café y té", "Alimentación", 10, 0.42),
    ("Panadería", "Alimentación", 4, 0.35), ("Vinos", "Bodega", 21, 0.38), ("Cervezas", "Bodega", 21, 0.24),
    ("Cocina", "Hogar", 21, 0.46), ("Textil hogar", "Hogar", 21, 0.52), ("Jardín", "Hogar", 21, 0.40),
    ("Pequeño electrodoméstico", "Electro", 21, 0.18), ("Libros", "Cultura", 4, 0.33), ("Cuidado personal", "Belleza", 21, 0.55),
    ("Juguetes", "Infantil", 21, 0.37),
)  # fmt: skip
SUBSCRIPTION_CATEGORY = ("Cajas por suscripción", "Suscripciones", 10, 0.44)
#: key, monthly amount without tax in cents
PLANS = (("PLAN-S", 1490), ("PLAN-M", 2490), ("PLAN-L", 3990))
CURRENCIES = ("EUR", "GBP", "PLN", "USD")
_FIRST_RATES = (1.0, 1.152, 0.2245, 0.921)
RATE_SCALE = 1_000_000
ACQUISITION_CHANNELS = ("search", "social", "referral", "store", "fair", "direct_mail")
_MONTHLY_SPEND = (5.2, 6.1, 2.4, 3.0, 1.6, 2.2)


@dataclass(frozen=True)
class Catalogue:
    """Products, and what of them no file says."""

    frame: pl.DataFrame
    tax_percent: Ints
    margin: Floats
    category: Ints
    #: index of the first subscription plan among the products
    first_plan: int


def draw_catalogue(settings: SimulateSettings) -> Catalogue:
    """Products in order of their keys; those of one category stand together, the subscription plans last."""
    rng = stream(settings.seed, "catalogue")
    n = len(CATEGORIES) * PRODUCTS_PER_CATEGORY
    category = np.repeat(np.arange(len(CATEGORIES), dtype=np.int64), PRODUCTS_PER_CATEGORY)
    kinds = [*CATEGORIES, SUBSCRIPTION_CATEGORY]
    plans = len(PLANS)
    category = np.concatenate([category, np.full(plans, len(CATEGORIES), dtype=np.int64)])
    usual = np.array([kind[3] for kind in kinds])[category]
    margin = np.clip(np.round(usual + rng.normal(0, 0.06, n + plans), 3), 0.02, 0.8)
    is_known = rng.random(n + plans) < 0.75
    number = pl.Series(np.arange(n) + 1).cast(pl.String).str.zfill(4)
    key = pl.concat(["A" + number, pl.Series([plan for plan, _ in PLANS])])
    names = pl.Series([kind[0] for kind in kinds]).gather(category)
    brand = pl.Series(["Casa Propia", "Ribera", "Nordwind", "Maison Clair", "Highfield", "Zielony Gaj"]).gather(
        rng.integers(0, 6, n + plans)
    )
    frame = pl.DataFrame(
        {
            "sku": key,
            "title": names + " " + pl.Series(np.arange(n + plans) % PRODUCTS_PER_CATEGORY + 1).cast(pl.String),
            "category": names,
            "department": pl.Series([kind[1] for kind in kinds]).gather(category),
            "brand": brand,
            "margin": pl.select(pl.when(pl.Series(is_known)).then(pl.Series(margin))).to_series(),
        }
    )
    tax = np.array([kind[2] for kind in kinds], dtype=np.int64)[category]
    return Catalogue(frame, tax, margin, category, n)


def month_starts(settings: SimulateSettings) -> list[date]:
    """First days of the months that history touches, and of one after."""
    first = settings.start.replace(day=1)
    count = (settings.cut.year - first.year) * 12 + settings.cut.month - first.month + 2
    return [date(first.year + (first.month - 1 + k) // 12, (first.month - 1 + k) % 12 + 1, 1) for k in range(count)]


def month_of(settings: SimulateSettings, days: Floats) -> Ints:
    """Place in `month_starts` of each day count."""
    edges = np.array([(start - settings.start).days for start in month_starts(settings)], dtype=float)
    return (np.searchsorted(edges, np.floor(days), side="right") - 1).astype(np.int64)


def exchange_rates(settings: SimulateSettings) -> Ints:
    """Millionths of the company's currency per unit, by (currency, month)."""
    rng = stream(settings.seed, "exchange rates")
    months = len(month_starts(settings))
    walk = np.exp(np.cumsum(rng.normal(0, 0.012, (len(CURRENCIES), months)), axis=1))
    rates = np.array(_FIRST_RATES)[:, None] * walk
    rates[0] = 1.0
    millionths: Ints = np.rint(rates * RATE_SCALE).astype(np.int64)
    return millionths


def reference_tables(settings: SimulateSettings) -> dict[str, pl.DataFrame]:
    """The company's own reference tables, under the contract's names."""
    months, rates = month_starts(settings), exchange_rates(settings)
    exchange = pl.DataFrame(
        {
            "currency": [code for code in CURRENCIES[1:] for _ in months],
            "valid_from": months * (len(CURRENCIES) - 1),
            "rate": [f"{rate / RATE_SCALE:.6f}" for row in rates[1:] for rate in row],
        }
    )
    kinds = [*CATEGORIES, SUBSCRIPTION_CATEGORY]
    margins = pl.DataFrame(
        {
            "department": [None, *[kind[1] for kind in kinds]],
            "category": [None, *[kind[0] for kind in kinds]],
            "margin_rate": [0.35, *[kind[3] for kind in kinds]],
            "is_assumed": [True, *[False] * len(kinds)],
        }
    )
    costs = pl.DataFrame(
        [
            ("phone", None, 1.10, 0.55, False), ("phone", "complaint", 2.40, 0.60, False), ("email", None, 2.10, 0.0, False),
            ("chat", None, 0.80, 0.30, False), ("visit", "repair", 38.0, 0.45, False), ("visit", None, 30.0, 0.45, False),
            (None, "session", 0.01, 0.0, False), ("post", None, 1.25, 0.0, False), (None, None, 1.00, 0.0, True),
        ],
        schema=["channel", "kind", "cost_per_contact", "cost_per_minute", "is_assumed"], orient="row",
    ).with_columns(valid_from=pl.lit(settings.start.replace(day=1)))  # fmt: skip
    rng = stream(settings.seed, "acquisition costs")
    scale = settings.customers / (settings.years * 12) * np.array(_MONTHLY_SPEND)[:, None] / len(ACQUISITION_CHANNELS)
    spent = np.round(scale * rng.uniform(0.7, 1.3, (len(ACQUISITION_CHANNELS), len(months) - 1)), 2)
    acquisition = pl.DataFrame(
        {
            "acquisition_channel": [channel for channel in ACQUISITION_CHANNELS for _ in months[:-1]],
            "month": months[:-1] * len(ACQUISITION_CHANNELS),
            "cost_amount": spent.ravel(),
            "is_assumed": np.zeros(spent.size, dtype=np.bool_),
        }
    )
    targets = pl.DataFrame(
        [("complaint", None, None, 72), ("incident", None, None, 48), (None, None, 24, 120)],
        schema=["kind", "channel", "first_answer_hours", "resolution_hours"], orient="row",
    )  # fmt: skip
    return {
        "exchange_rates": exchange,
        "margin_rates": margins,
        "cost_rates": costs.select(
            "channel", "kind", "valid_from", "cost_per_contact", "cost_per_minute", "is_assumed"
        ),
        "acquisition_costs": acquisition,
        "service_targets": targets,
        "objectives": _objectives(settings),
    }


def _objectives(settings: SimulateSettings) -> pl.DataFrame:
    """One for each area; they began nine months before the history ends, and are due a year after they began."""
    begun = _months_from(settings.cut, -8)
    return pl.DataFrame(
        [
            ("More customers", "customer", "active customers", None, None, 0.05, "change", 1, "Sales"),
            ("More value to come", "value", "expected value", None, None, 0.05, "change", 1, "CRM"),
            ("Lose fewer customers", "retention", "churn rate", None, None, -0.1, "change", 3, "CRM"),
            ("The best buy more widely", "segment", "cross-sell ratio", "value_tier", "high", 6.0, "value", 1, "Marketing"),
            ("More may be contacted", "relationship", "contactable share", None, None, 0.5, "value", 1, "Marketing"),
        ],
        schema=["objective", "area", "kpi", "scope", "segment", "target", "target_kind", "months", "owner"], orient="row",
    ).with_columns(started_on=pl.lit(begun), due_on=pl.lit(_months_from(begun, 12) - timedelta(days=1)))  # fmt: skip


def _months_from(day: date, months: int) -> date:
    """The first of the month so many months on."""
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)
