"""The churn probability, or will they come back: P(no order within a horizon), for everybody.

What belongs here: the one answer, learnt at the company's own rolling origins and tied to the expectation that stands in the
same row. What does not: its features (`churn_features`), how it did (`churn_backtest`), the purchase models themselves,
expected orders.

A ridge logistic regression, all origins of one length taken together, on

    ln((days since the last order + 1) / h)      ln((days since the last order + 1) / (own mean gap + 7))
    the log-odds of Pareto/NBD's P(no order in h)      ln of the orders that the Poisson regression expects in h

It is shrunk towards Pareto/NBD's own answer, which stands where no origin teaches anything. For every horizon

    e^(-expected orders)  <=  P(no order)  <=  1 - expected orders / days of the horizon

since customers who order at random, each at a rate of their own, place no order at least as often as if all had the mean rate
(Jensen), so that whoever orders places more than one on average (1 - expected orders lies lower still); and nobody orders on more
days than there are. P(no order) gives way, and it falls with the horizon.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from clientela.lifetime.arrays import Floats
from clientela.lifetime.churn_features import AT_MOST, MODEL, RECENT_DAYS, Known, known_at
from clientela.lifetime.origins import Orders, rolling_origins

#: months to the days over which an answer for so many months is learnt
LEARNT_DAYS = {3: 91, 6: 182, 12: 365}
_LEAST_DAYS = 60
_ORIGINS = 3
_RIDGE = 0.003


@dataclass
class Memo:
    """What was computed of an origin: it does not depend on the day that asked."""

    known: dict[date, Known] = field(default_factory=dict)
    nothing: dict[tuple[date, int], NDArray[np.bool_]] = field(default_factory=dict)


@dataclass(frozen=True)
class Learnt:
    """Weights of the columns (intercept first) and where they were learnt: `days` long horizons from `origins` on."""

    weights: Floats
    centre: Floats
    spread: Floats
    days: int = 0
    origins: tuple[date, ...] = ()

    def probability(self, columns: Floats) -> Floats:
        """P(no order) of each row; shape (n,)."""
        return np.asarray(expit(self.weights[0] + (columns - self.centre) / self.spread @ self.weights[1:]))


def learn(columns: Floats, nothing: NDArray[np.bool_], ridge: float = _RIDGE, towards: int | None = MODEL) -> Learnt:
    """Logistic regression of `nothing` (no order came) on columns, by Newton steps. `ridge` times half the squared distance of
    the weights of standardised columns from those that repeat column `towards` (None: from zero) is added to the mean loss."""
    n, k = columns.shape
    centre, spread = columns.mean(axis=0), columns.std(axis=0) + 1e-9
    design = np.column_stack([np.ones(n), (columns - centre) / spread])
    penalty, prior = np.r_[0.0, np.full(k, ridge)], np.zeros(k + 1)
    if towards is not None:
        prior[0], prior[1 + towards] = centre[towards], spread[towards]
    y, weights = nothing.astype(np.float64), prior.copy()

    def loss(w: Floats) -> float:
        eta = design @ w
        return float((np.logaddexp(0.0, eta) - y * eta).mean() + penalty @ (w - prior) ** 2 / 2)

    value = loss(weights)
    for _ in range(60):
        p = expit(design @ weights)
        gradient = design.T @ (p - y) / n + penalty * (weights - prior)
        curvature = (design.T * (p * (1 - p))) @ design / n + np.diag(penalty + 1e-9)
        step, size = np.linalg.solve(curvature, gradient), 1.0
        while (new := loss(weights - size * step)) > value and size > 1e-9:
            size /= 2
        if new > value:
            break
        weights, gained, value = weights - size * step, value - new, new
        if gained < 1e-10:
            break
    return Learnt(weights, centre, spread)


#: where nothing can be learnt: what Pareto/NBD says
UNTAUGHT = Learnt(np.eye(1, 5, 1 + MODEL)[0], np.zeros(4), np.ones(4))


class Past:
    """The rolling origins that teach P(no order), of the company's orders up to a day."""

    def __init__(self, orders: Orders, as_of: date, memo: Memo | None = None) -> None:
        self.orders, self.as_of, self._memo = orders, as_of, Memo() if memo is None else memo

    def origins(self, days: int, until: date | None = None, most: int = _ORIGINS) -> list[date]:
        """Month-ends, oldest first, whose next `days` days are over by `until` (the day itself by default)."""
        return rolling_origins(
            self.orders.first_day, until or self.as_of, holdout_days=days, most=most, least_days=_LEAST_DAYS
        )

    def known(self, day: date) -> Known:
        if day not in self._memo.known:
            s = self.orders.at(day, recent_days=RECENT_DAYS, at_most=AT_MOST)
            self._memo.known[day] = known_at(self.orders, s)
        return self._memo.known[day]

    def nothing(self, day: date, days: int) -> NDArray[np.bool_]:
        """Who, of the customers of `known(day)`, did not order within so many days after it."""
        if (day, days) not in self._memo.nothing:
            s = self.orders.at(day, holdout_days=days, recent_days=RECENT_DAYS, at_most=AT_MOST)
            assert s.actual_orders is not None
            self._memo.nothing[day, days] = s.actual_orders == 0
        return self._memo.nothing[day, days]

    def learnt(self, months: int, until: date | None = None) -> Learnt:
        """Learnt over the months' own length where the past holds an origin for it, else over the longest shorter one."""
        for length in sorted((m for m in LEARNT_DAYS if m <= months), reverse=True) or [min(LEARNT_DAYS)]:
            days = LEARNT_DAYS[length]
            origins = self.origins(days, until)
            if origins:
                columns = np.concatenate([self.known(day).columns(days) for day in origins])
                nothing = np.concatenate([self.nothing(day, days) for day in origins])
                if 0 < nothing.sum() < len(nothing):
                    made = learn(columns, nothing)
                    return Learnt(made.weights, made.centre, made.spread, days, tuple(origins))
        return UNTAUGHT


@dataclass(frozen=True)
class Answer:
    """P(no order) of each customer: by months, and within 30 and within 90 days; shape (n,)."""

    by_months: Mapping[int, Floats]
    within_30_days: Floats
    within_90_days: Floats


def answer(past: Past, now: Known, expected: Mapping[int, Floats], days: Mapping[int, int]) -> Answer:
    """P(no order) of the customers of `now` over each of the months of `expected` (orders, shape (n,)), 3 of them among these,
    each `days` long. Beyond a year the weights learnt over a year stand."""
    learnt = {months: past.learnt(months) for months in LEARNT_DAYS}
    raw = {
        months: learnt[max((m for m in LEARNT_DAYS if m <= months), default=3)].probability(now.columns(days[months]))
        for months in expected
    }
    by_months = tied(raw, expected, days)
    quarter, later = by_months[3], by_months[min((m for m in by_months if m > 3), default=3)]
    ninety = learnt[3].probability(now.columns(90.0))
    ninety = np.maximum(ninety, quarter) if days[3] >= 90 else np.clip(ninety, later, quarter)
    return Answer(by_months, np.maximum(learnt[3].probability(now.columns(30.0)), ninety), ninety)


def tied(
    probability: Mapping[int, Floats], expected: Mapping[int, Floats], days: Mapping[int, int]
) -> dict[int, Floats]:
    """P(no order) by months, made to agree with the expected orders of the same months and to fall with them."""
    out: dict[int, Floats] = {}
    before: Floats | None = None
    for months in sorted(probability):
        e = expected[months]
        p = np.clip(probability[months], np.exp(-np.maximum(e, 0.0)), np.clip(1.0 - e / days[months], 0.0, 1.0))
        before = p if before is None else np.minimum(p, before)
        out[months] = before
    return out
