"""The candidates that compete at the rolling origins, each asked the same: orders expected of each customer in a horizon.

What belongs here: one call that gives any candidate's forecast for a snapshot. What does not: scoring and choosing
(backtest.py), the formulas.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from clientela.lifetime.arrays import Floats, Integers
from clientela.lifetime.baselines import (
    RegressionFit,
    last_period,
    learn_regression,
    mean_of_two,
    own_rate,
    usual_gap,
)
from clientela.lifetime.day_fits import Values, fitted_on
from clientela.lifetime.errors import LifetimeError
from clientela.lifetime.fitting import MODELS, Fallback, FitWithHistory, PurchaseFit, fit_by_segment, fit_or_simpler
from clientela.lifetime.histories import Histories
from clientela.lifetime.origins import Orders, Snapshot

ORDER_CANDIDATES = (
    "own_rate",
    "last_period",
    "mean_of_two",
    "nbd",
    "bg_nbd",
    "mbg_nbd",
    "pareto_nbd",
    "poisson_regression",
    "mbg_cnbd_k",
)
BASELINES = ("own_rate", "last_period", "mean_of_two", "poisson_regression")
_LEAST_IN_SEGMENT = 500


@dataclass(frozen=True)
class Fitted:
    """One purchase model fitted to the customers of a snapshot, by segment where asked: label -1 holds the rest."""

    parts: Mapping[int, FitWithHistory]
    labels: Integers
    rows: Mapping[int, Integers] = field(repr=False)

    @property
    def name(self) -> str:
        """The models used, most customers first."""
        sizes: dict[str, int] = {}
        for label, rows in self.rows.items():
            sizes[self.parts[label].fit.name] = sizes.get(self.parts[label].fit.name, 0) + len(rows)
        return ", ".join(sorted(sizes, key=lambda n: -sizes[n]))

    @property
    def fallbacks(self) -> list[Fallback]:
        return [f for label in self.rows for f in self.parts[label].fallbacks]

    def each(self, h: Histories, ask: Callable[[PurchaseFit, Histories], Floats]) -> Floats:
        """ask(fit, histories of its customers) put together for all customers."""
        out = np.empty(len(h))
        for label, rows in self.rows.items():
            out[rows] = ask(self.parts[label].fit, h[rows])
        return out


def fit_snapshot(model: str, s: Snapshot, *, by_segment: bool = False) -> Fitted:
    """Fit a purchase model to a snapshot's own customers; where it fails the next simpler one."""
    n = len(s)
    if by_segment and s.segment is not None:
        codes = s.segment.rank("dense").fill_null(0).to_numpy().astype(np.int64)
        found = fit_by_segment(model, s.histories, codes, least=_LEAST_IN_SEGMENT)
        labels = np.where(np.isin(codes, [k for k in found if k >= 0]), codes, -1)
        return Fitted(found, labels, {int(v): np.flatnonzero(labels == v) for v in np.unique(labels)})
    return one_for_all(fit_or_simpler(model, s.histories), n)


def one_for_all(fitted: FitWithHistory, customers: int) -> Fitted:
    """One fit for so many customers."""
    return Fitted({-1: fitted}, np.full(customers, -1), {-1: np.arange(customers)})


@dataclass(frozen=True)
class OrderForecast:
    """Expected orders of each customer by one candidate; fitted is None for baselines."""

    candidate: str
    mean: Floats
    model_used: str
    fallback_reason: str
    fitted: Fitted | None = None


@dataclass(frozen=True)
class Learning:
    """What a candidate learns from. inner_days: the target period of a regression; by_segment: models are fitted to each
    segment apart; at_most: the customers of a snapshot (Orders.at)."""

    inner_days: int
    by_segment: bool = False
    at_most: int | None = None


def forecast_orders(
    candidate: str, orders: Orders, s: Snapshot, horizon_days: int, learning: Learning
) -> OrderForecast:
    """What `candidate` expects of the snapshot's customers in the horizon; what fails falls back and says so."""
    if candidate in MODELS:
        if learning.by_segment:
            fitted = fit_snapshot(candidate, s, by_segment=True)
        else:
            fitted = one_for_all(fitted_on(orders, s.as_of, candidate), len(s))
        mean = fitted.each(s.histories, lambda f, h: f.expected_orders(h, horizon_days))
        return OrderForecast(candidate, mean, fitted.name, _reasons(fitted.fallbacks), fitted)
    if candidate not in BASELINES:
        raise LifetimeError(f"There is no candidate {candidate!r}; there are {', '.join(ORDER_CANDIDATES)}.")
    if candidate == "last_period":
        return OrderForecast(candidate, last_period(s.recent_orders, s.recent_days, horizon_days), candidate, "")
    gap = orders.kept.take(s.as_of, "usual gap", lambda: {"days": usual_gap(s.histories)})["days"]
    if candidate == "own_rate":
        return OrderForecast(candidate, own_rate(s.histories, horizon_days, gap), candidate, "")
    if candidate == "poisson_regression":
        learnt = _regression(orders, s.as_of, learning)
        if isinstance(learnt, RegressionFit):
            mean = learnt.expected(orders.with_recent(s, learnt.days), horizon_days)
            return OrderForecast(candidate, mean, candidate, "")
        reason = f"poisson_regression: {learnt}"
    else:
        reason = ""
    mean = mean_of_two(s.histories, s.recent_orders, s.recent_days, horizon_days, gap)
    return OrderForecast(candidate, mean, "mean_of_two", reason)


def _regression(orders: Orders, day: date, learning: Learning) -> RegressionFit | str:
    """The regression as learnt by a day, or why there is none."""
    # A short past is split so that two thirds remain to look back on and a third is the target.
    days = max(1, min(learning.inner_days, (day - orders.first_day).days // 3))

    def learn() -> Values:
        try:
            inner = orders.at(
                day - timedelta(days=days),
                holdout_days=days,
                recent_days=days,
                at_most=orders.most_fitted or learning.at_most,
            )
            return {name: np.asarray(value).tolist() for name, value in vars(learn_regression(inner, days)).items()}
        except LifetimeError as why:
            return {"why": str(why)}

    values = orders.kept.take(day, f"poisson_regression over {days} days", learn)
    if "why" in values:
        return str(values["why"])
    arrays = {name: np.array(value, dtype=np.float64) for name, value in values.items() if name != "days"}
    return RegressionFit(**arrays, days=int(values["days"]))


def parameter_rows(part: str, fitted: Fitted) -> list[dict[str, object]]:
    """One row per parameter of each fit: component, segment, model, parameter, value, standard_error, log_likelihood …"""
    out: list[dict[str, object]] = []
    for label in fitted.rows:
        with_history = fitted.parts[label]
        found: PurchaseFit = with_history.fit
        errors = found.standard_errors
        for name, value in found.parameters.items():
            out.append(
                {
                    "component": part,
                    "segment": label,
                    "model": found.name if found.name != "mbg_cnbd_k" else f"mbg_cnbd_{getattr(found.model, 'k', 0)}",
                    "parameter": name,
                    "value": value,
                    "standard_error": errors[name],
                    "log_likelihood": found.log_likelihood,
                    "customers": found.customers,
                    "reason": _reasons(with_history.fallbacks),
                }
            )
    return out


def _reasons(fallbacks: list[Fallback]) -> str:
    return "; ".join(dict.fromkeys(f"{f.model}: {f.reason}" for f in fallbacks))
