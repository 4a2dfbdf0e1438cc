"""The candidates that compete at the rolling origins, each asked the same: orders expected of each customer in a horizon.

What belongs here: one call that gives any candidate's forecast for a snapshot. What does not: scoring and choosing
(backtest.py), the formulas.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np

from clientela.lifetime.arrays import Floats, Integers
from clientela.lifetime.baselines import last_period, mean_of_two, own_rate, poisson_regression
from clientela.lifetime.errors import LifetimeError
from clientela.lifetime.fitting import (
    MODELS,
    Fallback,
    FitWithHistory,
    PurchaseFit,
    fit,
    fit_by_segment,
    fit_or_simpler,
)
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


def fit_snapshot(
    model: str, s: Snapshot, *, by_segment: bool = False, simpler: bool = True, sample: Snapshot | None = None
) -> Fitted:
    """Fit a purchase model to a snapshot's customers. simpler: fall back where it fails, else raise NotIdentified.

    sample: some of the same customers; the parameters of all are learnt from them.
    """
    n = len(s)
    if by_segment and s.segment is not None:
        codes = s.segment.rank("dense").fill_null(0).to_numpy().astype(np.int64)
        found = fit_by_segment(model, s.histories, codes, least=_LEAST_IN_SEGMENT)
        labels = np.where(np.isin(codes, [k for k in found if k >= 0]), codes, -1)
        return Fitted(found, labels, {int(v): np.flatnonzero(labels == v) for v in np.unique(labels)})
    learnt = (sample or s).histories
    one = fit_or_simpler(model, learnt) if simpler else FitWithHistory(fit(model, learnt))
    return Fitted({-1: one}, np.full(n, -1), {-1: np.arange(n)})


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
    """What a candidate learns from. inner_days: the target period of a regression; at_most: the customers it is fitted to;
    sample: the customers of the snapshot that a model's parameters are learnt from."""

    inner_days: int
    by_segment: bool = False
    at_most: int | None = None
    sample: Snapshot | None = None


def forecast_orders(
    candidate: str, orders: Orders, s: Snapshot, horizon_days: int, learning: Learning
) -> OrderForecast:
    """What `candidate` expects of the snapshot's customers in the horizon; what fails falls back and says so."""
    if candidate in MODELS:
        fitted = fit_snapshot(candidate, s, by_segment=learning.by_segment, sample=learning.sample)
        mean = fitted.each(s.histories, lambda f, h: f.expected_orders(h, horizon_days))
        return OrderForecast(candidate, mean, fitted.name, _reasons(fitted.fallbacks), fitted)
    if candidate == "own_rate":
        mean = own_rate(s.histories, horizon_days)
    elif candidate == "last_period":
        mean = last_period(s.recent_orders, s.recent_days, horizon_days)
    elif candidate in ("mean_of_two", "poisson_regression"):
        mean = mean_of_two(s.histories, s.recent_orders, s.recent_days, horizon_days)
    else:
        raise LifetimeError(f"There is no candidate {candidate!r}; there are {', '.join(ORDER_CANDIDATES)}.")
    if candidate == "poisson_regression":
        try:
            # A short past is split so that two thirds remain to look back on and a third is the target.
            days = max(1, min(learning.inner_days, (s.as_of - orders.first_day).days // 3))
            split_on = s.as_of - timedelta(days=days)
            inner = orders.at(split_on, holdout_days=days, recent_days=days, at_most=learning.at_most)
            today = s if s.recent_days == days else orders.at(s.as_of, recent_days=days, at_most=len(s))
            mean = poisson_regression(inner, days, today, horizon_days)
        except LifetimeError as why:
            return OrderForecast(candidate, mean, "mean_of_two", f"poisson_regression: {why}")
    return OrderForecast(candidate, mean, candidate, "")


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
