"""What a company's past teaches about each published horizon: the combination of candidates, its level and its spread.

What belongs here: which origins a horizon is learnt at, and learning there. What does not: formulas (combining.py, spread.py),
the forecast of today (forecast.py).

Origins are of the horizon's own length where at least three of them fit into the past, else of the longest length that does,
which `holdout_days` says. They lie three months apart where the past allows, so that they see different seasons; history
before the oldest is at least half the horizon, since else it shows a short history rather than a long horizon.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from clientela.lifetime.arrays import Floats
from clientela.lifetime.candidates import Learning, OrderForecast, forecast_orders
from clientela.lifetime.combining import Combination, OriginForecasts, combine
from clientela.lifetime.contribution import Kind
from clientela.lifetime.day_fits import spend_on
from clientela.lifetime.fitting import MODELS
from clientela.lifetime.origins import Orders, Snapshot, spaced_origins
from clientela.lifetime.prediction_intervals import (
    LEVELS,
    Spread,
    group_money_variance,
    group_order_quantiles,
    learn_spread,
    tau_of,
)
from clientela.lifetime.scoring import calibrated_coverage, raw_coverage

DAYS_PER_MONTH = 365.25 / 12
FEW_ORIGINS = 3
LEAST_ORDERS = 10  # fewer in all holdouts together teach nothing
_SHORTER = (365, 182, 91)
#: forecasts that look at the last period: a season is in them already
UNSEASONED = ("last_period", "mean_of_two", "poisson_regression")


@dataclass(frozen=True)
class Horizon:
    """What is used for one horizon. holdout_days: of the origins it was learnt at; origins: oldest first; spread: of orders and
    of money, which differ in the error of level."""

    months: int
    holdout_days: int
    origins: tuple[date, ...]
    combination: Combination
    spread: Spread
    money: Spread

    @property
    def name(self) -> str:
        """The candidate, or `combined`."""
        return next(iter(self.combination.weights)) if len(self.combination.weights) == 1 else "combined"

    @property
    def is_shorter(self) -> bool:
        """The past does not allow origins of the horizon's own length."""
        return self.holdout_days < days_of(self.months)

    @property
    def formula(self) -> str:
        """The weights in words, greatest first."""
        weights = sorted(self.combination.weights.items(), key=lambda item: (-item[1], item[0]))
        return " + ".join(f"{weight:.2f} {name}" for name, weight in weights)

    @property
    def reason(self) -> str:
        """Why, and what it rests on."""
        sentence = f"{self.combination.reason}; {len(self.origins)} origins of {self.holdout_days} days"
        if self.is_shorter:
            sentence += f", the past being too short for {self.months} months"
        if len(self.origins) < FEW_ORIGINS:
            sentence += f", fewer than {FEW_ORIGINS}"
        return sentence


@dataclass
class HorizonMemo:
    """What was computed for an origin: it does not depend on the as-of day that asked for it."""

    snapshots: dict[tuple[date, int], Snapshot] = field(default_factory=dict)
    fits: dict[tuple[date, str], OrderForecast] = field(default_factory=dict)
    means: dict[tuple[date, str, int], Floats] = field(default_factory=dict)


def days_of(months: int) -> int:
    """The days of an origin's holdout for so many months."""
    return round(months * DAYS_PER_MONTH)


def origins_for(first_day: date, as_of: date, months: int, most: int) -> tuple[int, list[date]]:
    """(days of the holdout, origins oldest first) that a horizon is learnt at; no origin where the past is too short."""
    wanted = days_of(months)
    found: list[date] = []
    days = wanted
    for days in (wanted, *(d for d in _SHORTER if d < wanted)):
        found = spaced_origins(first_day, as_of, holdout_days=days, most=most, least_days=max(91, days // 2))
        if len(found) >= FEW_ORIGINS:
            break
    return days, found


def learn_horizon(
    ready: Orders, as_of: date, months: int, candidates: Sequence[str], most: int, learning: Learning, memo: HorizonMemo
) -> Horizon | None:
    """What the past up to as_of teaches about so many months; None where it holds no origin, or hardly an order."""
    days, origins = origins_for(ready.first_day, as_of, months, most)
    if not origins:
        return None
    looked: list[OriginForecasts] = []
    for origin in origins:
        s = _snapshot(ready, origin, days, learning, memo)
        assert s.actual_orders is not None
        looked.append(
            OriginForecasts(
                (origin - date(1970, 1, 1)).days,
                days,
                ready.codes(s.customers),
                s.actual_orders,
                {c: _mean(c, ready, s, days, learning, memo) for c in candidates},
            )
        )
    if sum(float(o.actual.sum()) for o in looked) < LEAST_ORDERS:
        return None
    combination = combine(looked)
    expected = [
        np.asarray(sum(w * o.expected[c] for c, w in combination.weights.items()), dtype=np.float64) for o in looked
    ]
    stretch = days_of(months) / days
    spread = learn_spread([o.actual for o in looked], expected, combination.level, combination.looks, stretch)
    return Horizon(months, days, tuple(origins), combination, spread, spread)


def _snapshot(ready: Orders, origin: date, days: int, learning: Learning, memo: HorizonMemo) -> Snapshot:
    key = origin, days
    if key not in memo.snapshots:
        memo.snapshots[key] = ready.at(
            origin, holdout_days=days, recent_days=learning.inner_days, at_most=learning.at_most
        )
    return memo.snapshots[key]


def _mean(name: str, ready: Orders, s: Snapshot, days: int, learning: Learning, memo: HorizonMemo) -> Floats:
    key = s.as_of, name, days
    if key not in memo.means:
        memo.means[key] = expected_orders(name, ready, s, days, learning, memo.fits)
    return memo.means[key]


def expected_orders(
    name: str,
    ready: Orders,
    s: Snapshot,
    days: int,
    learning: Learning,
    fits: dict[tuple[date, str], OrderForecast],
) -> Floats:
    """What a candidate expects in so many days, the season of those days in it. fits: models fitted to a snapshot already."""
    if name not in MODELS:
        mean = forecast_orders(name, ready, s, days, replace(learning, inner_days=days)).mean
    else:
        if (s.as_of, name) not in fits:
            fits[s.as_of, name] = forecast_orders(name, ready, s, days, learning)
        fitted = fits[s.as_of, name].fitted
        assert fitted is not None
        mean = fitted.each(s.histories, lambda f, h: f.expected_orders(h, days))
    return mean if name in UNSEASONED else mean * ready.season(s.as_of, days)


def interval_rows(horizons: Mapping[int, Horizon], memo: HorizonMemo, seed: int) -> list[dict[str, object]]:
    """How the stated distributions did at the origins they were learnt at: customers by randomised PIT, tenths by P10 to P90."""
    rows: list[dict[str, object]] = []
    for months, horizon in horizons.items():
        for number, origin in enumerate(horizon.origins):
            actual, mean = _past(horizon, origin, memo)
            counts = horizon.spread.counts(mean)
            pit = counts.pit(actual, np.random.default_rng([seed, months, number]))
            low, _, high = counts.quantiles(LEVELS)
            of = {"as_of": origin, "horizon_months": months, "target": "orders"}
            rows.append(
                {
                    "level": "customers",
                    "scored": len(mean),
                    "calibrated_coverage": calibrated_coverage(pit),
                    "raw_coverage": raw_coverage(actual, low, high),
                    **of,
                }
            )
            rows.append(_tenths(actual, mean, horizon) | of)
    return rows


def _past(horizon: Horizon, origin: date, memo: HorizonMemo) -> tuple[Floats, Floats]:
    """What came after an origin, and what the horizon's combination expected, its level taken off."""
    actual = memo.snapshots[origin, horizon.holdout_days].actual_orders
    assert actual is not None
    weights = horizon.combination.weights
    return actual, horizon.combination.mean({c: memo.means[origin, c, horizon.holdout_days] for c in weights})


def with_money(ready: Orders, horizon: Horizon, memo: HorizonMemo, kind: Kind) -> Horizon:
    """The horizon with the error of level that money showed at its origins: what an order brings moves too."""
    errors, chance = [], []
    for origin in horizon.origins:
        s = memo.snapshots[origin, horizon.holdout_days]
        if s.spend is None or s.actual_value is None or not s.spend.known.sum():
            return horizon
        worth = spend_on(ready, s, kind).worth()
        _, mean = _past(horizon, origin, memo)
        expected, came = float((mean * worth.mean).sum()), float(s.actual_value.sum())
        if expected <= 0 or came <= 0:
            return horizon
        variance = group_money_variance(mean, worth, np.ones(len(mean)), horizon.spread)
        errors.append(float(np.log(expected / came)))
        chance.append(float(variance.sum()) / expected**2)
    stretch = days_of(horizon.months) / horizon.holdout_days
    tau = tau_of(errors, 0.0, chance, horizon.combination.looks, stretch)
    return replace(horizon, money=replace(horizon.spread, tau=max(tau, horizon.spread.tau)))


def _tenths(actual: Floats, mean: Floats, horizon: Horizon) -> dict[str, object]:
    tenth = np.zeros(len(mean), dtype=np.int64)
    tenth[np.argsort(-mean, kind="stable")] = np.arange(len(mean)) * 10 // len(mean)
    size = int(tenth.max()) + 1
    low, _, high = group_order_quantiles(mean, tenth, size, horizon.spread, has_shape=True)
    truth = np.asarray(np.bincount(tenth, weights=actual, minlength=size), dtype=np.float64)
    inside = raw_coverage(truth, low, high)
    return {
        "target": "orders",
        "level": "groups",
        "scored": size,
        "calibrated_coverage": inside,
        "raw_coverage": inside,
    }
