"""The company's own past as judge: every candidate at every rolling origin, scored on what came next.

What belongs here: running the origins, the score frames, the choice. What does not: scores themselves (scoring.py), what is used
for each published horizon (horizons.py), the forecast of today (forecast.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import polars as pl

from clientela.lifetime.arrays import Floats, Integers, ranks
from clientela.lifetime.candidates import ORDER_CANDIDATES, Learning, OrderForecast, forecast_orders
from clientela.lifetime.contribution import Kind
from clientela.lifetime.day_fits import spend_on
from clientela.lifetime.errors import LifetimeError
from clientela.lifetime.fitting import MODELS
from clientela.lifetime.horizons import (
    UNSEASONED,
    Horizon,
    HorizonMemo,
    expected_orders,
    interval_rows,
    learn_horizon,
    with_money,
)
from clientela.lifetime.origins import Orders, Snapshot, spaced_origins
from clientela.lifetime.scoring import SCORE_COLUMNS, Choice, calibration, choose, poisson_deviance, score

SPEND_CANDIDATES: tuple[Kind, ...] = ("normal", "gamma_gamma")
DEFAULT_ORDERS = "mbg_nbd"
DEFAULT_SPEND: Kind = "gamma_gamma"

SCORE_SCHEMA = pl.Schema(
    {
        "as_of": pl.Date,
        "holdout_days": pl.Int64,
        "target": pl.String,
        "candidate": pl.String,
        "model_used": pl.String,
        "fallback_reason": pl.String,
        **SCORE_COLUMNS,
        "is_chosen": pl.Boolean,
        "reason": pl.String,
    }
)
CALIBRATION_SCHEMA = pl.Schema(
    {
        "as_of": pl.Date,
        "target": pl.String,
        "candidate": pl.String,
        "decile": pl.Int64,
        "customers": pl.Int64,
        "expected_mean": pl.Float64,
        "actual_mean": pl.Float64,
    }
)
INTERVAL_SCHEMA = pl.Schema(
    {
        "as_of": pl.Date,
        "horizon_months": pl.Int64,
        "target": pl.String,
        "level": pl.String,
        "scored": pl.Int64,
        "calibrated_coverage": pl.Float64,
        "raw_coverage": pl.Float64,
    }
)


@dataclass(frozen=True)
class Backtest:
    """scores: one row per origin, what (orders, contribution) and candidate, as_of null in the row over all origins;
    calibration: by decile; intervals: how stated intervals did at the origins; order_model: the single candidate that is
    preferred at `holdout_days`; horizons: by months, what is used for each, where there is an origin."""

    scores: pl.DataFrame
    calibration: pl.DataFrame
    intervals: pl.DataFrame
    order_model: str
    order_reason: str
    spend_model: Kind
    spend_reason: str
    holdout_days: int
    horizons: Mapping[int, Horizon] = field(default_factory=dict)


@dataclass
class Memo(HorizonMemo):
    """What was computed for an origin: it does not depend on the as-of day that asked for it."""

    orders: dict[tuple[date, str], OrderForecast] = field(default_factory=dict)


@dataclass(frozen=True)
class BacktestSettings:
    """How candidates are compared. min_days: of data before an origin; horizons_months: the published ones; order_model: the one
    candidate used for them, if it is fixed; at_most: compare on a sample of so many customers of each origin (Orders.at)."""

    holdout_days: int = 91
    max_origins: int = 6
    min_days: int = 91
    candidates: Sequence[str] = ORDER_CANDIDATES
    spend_candidates: Sequence[Kind] = SPEND_CANDIDATES
    horizons_months: Sequence[int] = (3, 12, 24)
    order_model: str | None = None
    by_segment: bool = False
    seed: int = 0
    at_most: int | None = None


def backtest(
    orders: pl.DataFrame | Orders,
    as_of: date,
    settings: BacktestSettings | None = None,
    *,
    memo: Memo | None = None,
) -> Backtest:
    """Score all candidates on the data up to as_of (nothing later is looked at) and choose.

    orders: see origins.py. With too short a past there is no origin, the scores are empty and the defaults are chosen with
    that as the reason. Spend candidates are scored times the chosen candidate's expected orders. memo: kept between calls for
    several as-of days over the same orders, candidates and holdout, so that an origin they share is fitted once.
    """
    memo = Memo() if memo is None else memo
    settings = settings or BacktestSettings()
    candidates, holdout_days, at_most = settings.candidates, settings.holdout_days, settings.at_most
    unknown = [c for c in candidates if c not in ORDER_CANDIDATES]
    if unknown or not candidates:
        raise LifetimeError(f"There is no candidate {unknown}; there are {', '.join(ORDER_CANDIDATES)}.")
    ready = orders if isinstance(orders, Orders) else Orders.of(orders, most_fitted=settings.at_most)
    if as_of < ready.first_day:
        raise LifetimeError(f"The as-of day {as_of} lies before the first order ({ready.first_day}).")
    origins = spaced_origins(
        ready.first_day, as_of, holdout_days=holdout_days, most=settings.max_origins, least_days=settings.min_days
    )
    for origin in origins:
        if (origin, holdout_days) not in memo.snapshots:
            memo.snapshots[origin, holdout_days] = ready.at(
                origin, holdout_days=holdout_days, recent_days=holdout_days, at_most=at_most
            )
    snapshots = [memo.snapshots[origin, holdout_days] for origin in origins]
    if not snapshots:
        why = f"no rolling origin: fewer than {settings.min_days + holdout_days} days up to a month end"
        return Backtest(
            pl.DataFrame(schema=SCORE_SCHEMA),
            pl.DataFrame(schema=CALIBRATION_SCHEMA),
            pl.DataFrame(schema=INTERVAL_SCHEMA),
            DEFAULT_ORDERS if DEFAULT_ORDERS in candidates else candidates[0],
            why,
            DEFAULT_SPEND,
            why,
            holdout_days,
        )
    learning = Learning(holdout_days, settings.by_segment, at_most)
    simplest_first = [c for c in ORDER_CANDIDATES if c in candidates]
    found: dict[str, list[OrderForecast]] = {c: [] for c in simplest_first}
    for s in snapshots:
        for candidate in simplest_first:
            found[candidate].append(_made(candidate, ready, s, learning, memo))
    actual = [_given(s.actual_orders) for s in snapshots]
    customers = np.concatenate([ready.codes(s.customers) for s in snapshots])
    losses = {
        c: np.concatenate([poisson_deviance(y, f.mean) for y, f in zip(actual, forecasts, strict=True)])
        for c, forecasts in found.items()
    }
    chosen = choose(losses, customers, simplest_first, "mean Poisson deviance")
    if not sum(float(y.sum()) for y in actual) and DEFAULT_ORDERS in losses:
        chosen = replace(
            chosen, candidate=DEFAULT_ORDERS, reason="no order fell into any holdout, so nothing was compared"
        )
    rows, deciles = _rows("orders", snapshots, actual, found, chosen, holdout_days, counts=True)

    best = found[chosen.candidate]
    spend_chosen, spend_rows, spend_deciles = _spend(
        ready, snapshots, best, settings.spend_candidates, customers, holdout_days
    )
    spend_model: Kind = spend_chosen.candidate if spend_chosen else DEFAULT_SPEND  # type: ignore[assignment]
    horizons: dict[int, Horizon] = {}
    used = [settings.order_model] if settings.order_model else simplest_first
    for months in sorted(settings.horizons_months):
        learnt = learn_horizon(ready, as_of, months, used, settings.max_origins, learning, memo)
        if learnt is not None:
            horizons[months] = with_money(ready, learnt, memo, spend_model) if spend_chosen else learnt
    intervals = interval_rows(horizons, memo, settings.seed)
    return Backtest(
        pl.DataFrame(rows + spend_rows, schema=SCORE_SCHEMA),
        pl.DataFrame(deciles + spend_deciles, schema=CALIBRATION_SCHEMA),
        pl.DataFrame(intervals, schema=INTERVAL_SCHEMA),
        chosen.candidate,
        chosen.reason,
        spend_model,
        spend_chosen.reason if spend_chosen else "no contribution is known, so no spend model was scored",
        holdout_days,
        horizons,
    )


def _made(candidate: str, ready: Orders, s: Snapshot, learning: Learning, memo: Memo) -> OrderForecast:
    """What a candidate expects of a snapshot's holdout, the season in it; computed once."""
    key = s.as_of, candidate
    days = learning.inner_days
    if key not in memo.orders:
        if candidate in MODELS:
            mean = expected_orders(candidate, ready, s, days, learning, memo.fits)
            memo.orders[key] = replace(memo.fits[key], mean=mean)
        else:
            made = forecast_orders(candidate, ready, s, days, learning)
            memo.orders[key] = seasoned(made, ready, s, days)
        memo.means[s.as_of, candidate, days] = memo.orders[key].mean
    return memo.orders[key]


def seasoned(made: OrderForecast, ready: Orders, s: Snapshot, horizon_days: int) -> OrderForecast:
    """A model's or own rate's forecast times the season of the horizon, where two full years taught one."""
    if made.candidate in UNSEASONED:
        return made
    return replace(made, mean=made.mean * ready.season(s.as_of, horizon_days))


def _rows(
    what: str,
    snapshots: Sequence[Snapshot],
    actual: Sequence[Floats],
    found: dict[str, list[OrderForecast]],
    chosen: Choice,
    holdout_days: int,
    *,
    counts: bool,
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    rows: list[dict[str, object]] = []
    deciles: list[dict[str, object]] = []
    pooled = np.concatenate(actual)
    ranked = [ranks(y) for y in (*actual, pooled)]
    for candidate, forecasts in found.items():
        is_chosen = candidate == chosen.candidate
        if is_chosen:
            reason = chosen.reason
        else:
            reason = f"{chosen.excess[candidate]:.3g} above the best loss, standard error {chosen.standard_error[candidate]:.2g}"
        entries: list[tuple[date | None, Floats, Floats, str, str]] = [
            (s.as_of, y, f.mean, f.model_used, f.fallback_reason)
            for s, y, f in zip(snapshots, actual, forecasts, strict=True)
        ]
        used = ", ".join(dict.fromkeys(f.model_used for f in forecasts))
        entries.append((None, pooled, np.concatenate([f.mean for f in forecasts]), used, ""))
        for (origin, y, m, model, fallback), y_ranks in zip(entries, ranked, strict=True):
            groups = calibration(y, m)
            rows.append(
                {
                    "as_of": origin,
                    "holdout_days": holdout_days,
                    "target": what,
                    "candidate": candidate,
                    "model_used": model,
                    "fallback_reason": fallback,
                    **vars(score(y, m, counts=counts, deciles=groups, actual_ranks=y_ranks)),
                    "is_chosen": is_chosen,
                    "reason": reason,
                }
            )
            deciles += [{"as_of": origin, "target": what, "candidate": candidate, **vars(d)} for d in groups]
    return rows, deciles


def _spend(
    ready: Orders,
    snapshots: Sequence[Snapshot],
    best: Sequence[OrderForecast],
    kinds: Sequence[Kind],
    customers: Integers,
    holdout_days: int,
) -> tuple[Choice | None, list[dict[str, object]], list[dict[str, object]]]:
    if any(s.spend is None or not s.spend.known.sum() for s in snapshots):
        return None, [], []
    found: dict[str, list[OrderForecast]] = {}
    for kind in [k for k in SPEND_CANDIDATES if k in kinds]:
        found[kind] = []
        for s, orders_made in zip(snapshots, best, strict=True):
            assert s.spend is not None
            fitted = spend_on(ready, s, kind)
            mean = orders_made.mean * fitted.per_order
            found[kind].append(OrderForecast(kind, mean, f"{orders_made.model_used} x {fitted.kind}", fitted.reason))
    actual = [_given(s.actual_value) for s in snapshots]
    losses = {
        k: np.concatenate([(y - f.mean) ** 2 for y, f in zip(actual, fs, strict=True)]) for k, fs in found.items()
    }
    chosen = choose(losses, customers, [k for k in SPEND_CANDIDATES if k in found], "mean squared error")
    rows, deciles = _rows("contribution", snapshots, actual, found, chosen, holdout_days, counts=False)
    return chosen, rows, deciles


def _given(values: Floats | None) -> Floats:
    assert values is not None
    return values
