"""The company's own past as judge: every candidate at every rolling origin, scored on what came next.

What belongs here: running the origins, the score frames, the choice, and the widening of intervals learnt on the way. What
does not: scores themselves (scoring.py), the forecast of today (forecast.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import polars as pl
from scipy.special import ndtr

from clientela.lifetime.arrays import Floats, Integers, ranks
from clientela.lifetime.candidates import BASELINES, ORDER_CANDIDATES, Learning, OrderForecast, forecast_orders
from clientela.lifetime.contribution import ContributionFit, Kind, fit_contribution
from clientela.lifetime.draws import (
    NOT_WIDENED,
    Observed,
    OrderSource,
    ScatterDraws,
    Widening,
    group_intervals,
    read_futures,
)
from clientela.lifetime.errors import LifetimeError
from clientela.lifetime.origins import Orders, Snapshot, rolling_origins
from clientela.lifetime.scoring import (
    SCORE_COLUMNS,
    Choice,
    calibrated_coverage,
    calibration,
    choose,
    poisson_deviance,
    raw_coverage,
    score,
    widening_from_pit,
    widening_of_groups,
)
from clientela.lifetime.season import season_index, season_over

SPEND_CANDIDATES: tuple[Kind, ...] = ("normal", "gamma_gamma")
DEFAULT_ORDERS = "mbg_nbd"
DEFAULT_SPEND: Kind = "gamma_gamma"
_INTERVAL_CUSTOMERS = 20_000
_GROUPS = 20

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
        "target": pl.String,
        "level": pl.String,
        "scored": pl.Int64,
        "calibrated_coverage": pl.Float64,
        "raw_coverage": pl.Float64,
        "interval_inflation": pl.Float64,
        "inflated_coverage": pl.Float64,
    }
)


@dataclass(frozen=True)
class Backtest:
    """scores: one row per origin, what (orders, contribution) and candidate, as_of null in the row over all origins;
    calibration: by decile; intervals: of the chosen candidates; dispersion and level_error: the scatter of the chosen
    baseline (0 otherwise); season: whether one was learnt at the last origin."""

    scores: pl.DataFrame
    calibration: pl.DataFrame
    intervals: pl.DataFrame
    order_model: str
    order_reason: str
    spend_model: Kind
    spend_reason: str
    holdout_days: int
    widening: Widening = NOT_WIDENED
    dispersion: float = 0.0
    level_error: float = 0.0


@dataclass
class Memo:
    """What was computed for an origin: it does not depend on the as-of day that asked for it."""

    snapshots: dict[date, Snapshot] = field(default_factory=dict)
    orders: dict[tuple[date, str], OrderForecast] = field(default_factory=dict)
    spend: dict[tuple[date, str], ContributionFit] = field(default_factory=dict)


@dataclass(frozen=True)
class BacktestSettings:
    """How candidates are compared. min_days: of data before an origin; draws: 0 leaves out the intervals and what they teach;
    at_most: compare on a sample of so many customers of each origin (Orders.at)."""

    holdout_days: int = 91
    max_origins: int = 6
    min_days: int = 91
    candidates: Sequence[str] = ORDER_CANDIDATES
    spend_candidates: Sequence[Kind] = SPEND_CANDIDATES
    by_segment: bool = False
    draws: int = 200
    seed: int = 0
    at_most: int | None = None


@dataclass(frozen=True)
class Drawing:
    """How futures are drawn. delta: force of interest per day; dispersion and level_error: the scatter of a baseline."""

    draws: int
    seed: int
    delta: float = 0.0
    dispersion: float = 0.0
    level_error: float = 0.0


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
    ready = orders if isinstance(orders, Orders) else Orders.of(orders)
    if as_of < ready.first_day:
        raise LifetimeError(f"The as-of day {as_of} lies before the first order ({ready.first_day}).")
    origins = rolling_origins(
        ready.first_day, as_of, holdout_days=holdout_days, most=settings.max_origins, least_days=settings.min_days
    )
    snapshots = [
        memo.snapshots.get(o) or ready.at(o, holdout_days=holdout_days, recent_days=holdout_days, at_most=at_most)
        for o in origins
    ]
    memo.snapshots.update(zip(origins, snapshots, strict=True))
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
            key = s.as_of, candidate
            if key not in memo.orders:
                made = forecast_orders(candidate, ready, s, holdout_days, learning)
                memo.orders[key] = seasoned(made, ready, s, holdout_days)
            found[candidate].append(memo.orders[key])
    actual = [_given(s.actual_orders) for s in snapshots]
    customers = np.concatenate([_codes_of(ready, s) for s in snapshots])
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
        snapshots, best, settings.spend_candidates, customers, holdout_days, memo
    )
    dispersion, level = _scatter(actual, best) if chosen.candidate in BASELINES else (0.0, 0.0)
    spend_model: Kind = spend_chosen.candidate if spend_chosen else DEFAULT_SPEND  # type: ignore[assignment]
    intervals, widening = pl.DataFrame(schema=INTERVAL_SCHEMA), Widening()
    if settings.draws:
        drawing = Drawing(settings.draws, settings.seed, dispersion=dispersion, level_error=level)
        kind = spend_model if spend_chosen else None
        intervals, widening = _intervals(snapshots, best, kind, holdout_days, drawing, memo)
    return Backtest(
        pl.DataFrame(rows + spend_rows, schema=SCORE_SCHEMA),
        pl.DataFrame(deciles + spend_deciles, schema=CALIBRATION_SCHEMA),
        intervals,
        chosen.candidate,
        chosen.reason,
        spend_model,
        spend_chosen.reason if spend_chosen else "no contribution is known, so no spend model was scored",
        holdout_days,
        widening,
        dispersion,
        level,
    )


def seasoned(made: OrderForecast, ready: Orders, s: Snapshot, horizon_days: int) -> OrderForecast:
    """A model's or own rate's forecast times the season of the horizon, where two full years taught one."""
    if made.candidate in ("last_period", "mean_of_two", "poisson_regression"):
        return made
    factor = season_factor(ready, s.as_of, horizon_days)
    return OrderForecast(made.candidate, made.mean * factor, made.model_used, made.fallback_reason, made.fitted)


def season_factor(ready: Orders, as_of: date, horizon_days: int) -> float:
    """The mean season index over the horizon after as_of, learnt from orders up to as_of; 1 below two full years."""
    known = ready.order_days.filter(pl.col("ordered_on") <= as_of).get_column("day").to_numpy().astype(np.float64)
    return season_over(season_index(known, ready.first_day, as_of), as_of, horizon_days)


def source_of(made: OrderForecast, s: Snapshot, horizon: float, discount: Floats, drawing: Drawing) -> OrderSource:
    """Draws for a candidate's forecast: its model's own, or a baseline's mean with the scatter learnt."""
    if made.fitted is not None:
        return made.fitted.source(s.histories, horizon, delta=drawing.delta, draws=drawing.draws, seed=drawing.seed)
    return ScatterDraws(
        made.mean,
        discount,
        dispersion=drawing.dispersion,
        level_error=drawing.level_error,
        draws=drawing.draws,
        seed=drawing.seed,
    )


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
    snapshots: Sequence[Snapshot],
    best: Sequence[OrderForecast],
    kinds: Sequence[Kind],
    customers: Integers,
    holdout_days: int,
    memo: Memo,
) -> tuple[Choice | None, list[dict[str, object]], list[dict[str, object]]]:
    if any(s.spend is None or not s.spend.known.sum() for s in snapshots):
        return None, [], []
    found: dict[str, list[OrderForecast]] = {}
    for kind in [k for k in SPEND_CANDIDATES if k in kinds]:
        found[kind] = []
        for s, orders_made in zip(snapshots, best, strict=True):
            assert s.spend is not None
            fitted = memo.spend.get((s.as_of, kind)) or fit_contribution(kind, s.spend)
            memo.spend[s.as_of, kind] = fitted
            mean = orders_made.mean * fitted.per_order
            found[kind].append(OrderForecast(kind, mean, f"{orders_made.model_used} x {fitted.kind}", fitted.reason))
    actual = [_given(s.actual_contribution) for s in snapshots]
    losses = {
        k: np.concatenate([(y - f.mean) ** 2 for y, f in zip(actual, fs, strict=True)]) for k, fs in found.items()
    }
    chosen = choose(losses, customers, [k for k in SPEND_CANDIDATES if k in found], "mean squared error")
    rows, deciles = _rows("contribution", snapshots, actual, found, chosen, holdout_days, counts=False)
    return chosen, rows, deciles


def _scatter(actual: Sequence[Floats], forecasts: Sequence[OrderForecast]) -> tuple[float, float]:
    """(phi of variance = m + phi m^2, standard deviation of the logarithm of total / expected)."""
    y, m = np.concatenate(actual), np.concatenate([f.mean for f in forecasts])
    phi = float((((y - m) ** 2) - m).sum() / max(float((m**2).sum()), 1e-12))
    ratios = [
        np.log(max(float(a.sum()), 0.5) / max(float(f.mean.sum()), 0.5)) for a, f in zip(actual, forecasts, strict=True)
    ]
    return max(phi, 0.0), float(np.sqrt(np.mean(np.square(ratios))))


def _intervals(
    snapshots: Sequence[Snapshot],
    best: Sequence[OrderForecast],
    kind: Kind | None,
    holdout_days: int,
    drawing: Drawing,
    memo: Memo,
) -> tuple[pl.DataFrame, Widening]:
    """Intervals of the chosen candidates at each origin, and the factors learnt from all origins before it."""
    rows: list[dict[str, object]] = []
    pits: dict[str, list[Floats]] = {"orders": [], "contribution": []}
    grouped: dict[str, list[Floats]] = {"orders": [], "contribution": []}
    for number, (s, made) in enumerate(zip(snapshots, best, strict=True)):
        n = len(s)
        rng = np.random.default_rng([drawing.seed, 4, number])
        seed = drawing.seed + number
        y_o, y_m = _given(s.actual_orders), s.actual_contribution
        factor = 1.0
        if made.fitted is not None:
            factor = _ratio(made.mean, made.fitted.each(s.histories, lambda f, h: f.expected_orders(h, holdout_days)))
        source = source_of(made, s, holdout_days, np.ones(n), replace(drawing, seed=seed))
        money = None
        if kind is not None and s.spend is not None and y_m is not None:
            money = memo.spend[s.as_of, kind].draws(drawing.draws, seed)
        groups = rng.integers(0, min(_GROUPS, n), n)
        futures = read_futures(
            source,
            money=money,
            groups={"random": groups},
            seed=seed,
            observed=Observed(
                np.rint(y_o / factor) if factor != 1.0 else y_o, y_m / factor if y_m is not None else None
            ),
        )
        for what, y, intervals, pit, sums in (
            ("orders", y_o, futures.orders, futures.pit_orders, futures.group_orders.get("random")),
            ("contribution", y_m, futures.money, futures.pit_money, futures.group_money.get("random")),
        ):
            if intervals is None or pit is None or sums is None or y is None:
                continue
            truth = np.asarray(np.bincount(groups, weights=y, minlength=len(sums)), dtype=np.float64)
            around = group_intervals(sums * factor)
            edges = np.stack([truth, around.p10, around.p50, around.p90])
            before = widening_from_pit(np.concatenate(pits[what])) if pits[what] else 1.0
            sample = rng.permutation(n)[:_INTERVAL_CUSTOMERS]
            rows.append(
                {
                    "as_of": s.as_of,
                    "target": what,
                    "level": "customers",
                    "scored": n,
                    "calibrated_coverage": calibrated_coverage(pit),
                    "raw_coverage": raw_coverage(y, intervals.p10 * factor, intervals.p90 * factor),
                    "interval_inflation": before if pits[what] else None,
                    "inflated_coverage": calibrated_coverage(pit, *_widened_levels(before)) if pits[what] else None,
                }
            )
            stretched = widening_of_groups(*np.concatenate(grouped[what], axis=1)) if grouped[what] else 1.0
            half_down, half_up = around.p50 - around.p10, around.p90 - around.p50
            inside = raw_coverage(truth, around.p50 - stretched * half_down, around.p50 + stretched * half_up)
            plain = raw_coverage(truth, around.p10, around.p90)
            rows.append(
                {
                    "as_of": s.as_of,
                    "target": what,
                    "level": "groups",
                    "scored": len(truth),
                    "calibrated_coverage": plain,
                    "raw_coverage": plain,
                    "interval_inflation": stretched if grouped[what] else None,
                    "inflated_coverage": inside if grouped[what] else None,
                }
            )
            pits[what].append(pit[sample])
            grouped[what].append(edges)
    learnt = {what: widening_from_pit(np.concatenate(p)) if p else 1.0 for what, p in pits.items()}
    learnt_groups = {what: widening_of_groups(*np.concatenate(g, axis=1)) if g else 1.0 for what, g in grouped.items()}
    widening = Widening(
        learnt["orders"], learnt_groups["orders"], learnt["contribution"], learnt_groups["contribution"]
    )
    return pl.DataFrame(rows, schema=INTERVAL_SCHEMA), widening


def _widened_levels(widening: float) -> tuple[float, float]:
    low = float(ndtr(-1.2815515655446004 * widening))
    return low, 1 - low


def _ratio(above: Floats, below: Floats) -> float:
    total = float(below.sum())
    return float(above.sum()) / total if total > 0 else 1.0


def _given(values: Floats | None) -> Floats:
    assert values is not None
    return values


def _codes_of(ready: Orders, s: Snapshot) -> Integers:
    """One code per customer, the same at every origin."""
    everybody = ready.frame.get_column("customer_id").unique().sort()
    return everybody.search_sorted(s.customers).to_numpy().astype(np.int64)
