"""Will they come back: P(no order within a horizon), for everybody, and whether P(alive) is seen at all.

What belongs here: the one answer, learnt at the company's own rolling origins and tied to the expectation that stands in the
same row; how it did there; the test of P(alive). What does not: the purchase models themselves, expected orders.

A ridge logistic regression, all origins of one length taken together, on

    ln((days since the last order + 1) / h)      ln((days since the last order + 1) / (own mean gap + 7))
    the log-odds of Pareto/NBD's P(no order in h)      ln of the orders that the Poisson regression expects in h

It is shrunk towards Pareto/NBD's own answer, which stands where no origin teaches anything. For every horizon

    1 - expected orders  <=  P(no order)  <=  1 - expected orders / days of the horizon

since whoever orders does so on at least one of its days and at most on all; and P(no order) falls with the horizon.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit, logit

from clientela.lifetime.arrays import Floats, ranks
from clientela.lifetime.candidates import Fitted, Learning, forecast_orders, one_for_all
from clientela.lifetime.day_fits import fitted_on
from clientela.lifetime.origins import LEFT_TRUNCATED_DAYS, Orders, Snapshot, rolling_origins

#: months to the days over which an answer for so many months is learnt
LEARNT_DAYS = {3: 91, 6: 182, 12: 365}
#: simplest first; the last is the one that is used
CANDIDATES = ("recency", "expected_orders", "pareto_nbd", "combined")
_RECENT_DAYS = 91
_LEAST_DAYS = 60
_ORIGINS = 3
_AT_MOST = 10_000
_RIDGE = 0.003
_SURE = 1e-4
_USUAL_DAYS = 7.0
_RECENCY, _GAPS, _MODEL, _EXPECTED = range(4)

SCORE_SCHEMA = pl.Schema(
    {
        "origin_on": pl.Date,
        "horizon_months": pl.Int64,
        "candidate": pl.String,
        "customers": pl.Int64,
        "share_without_order": pl.Float64,
        "mean_probability": pl.Float64,
        "brier": pl.Float64,
        "auc": pl.Float64,
        "top_decile_lift": pl.Float64,
    }
)
DECILE_SCHEMA = pl.Schema(
    {
        "origin_on": pl.Date,
        "horizon_months": pl.Int64,
        "candidate": pl.String,
        "decile": pl.Int64,
        "customers": pl.Int64,
        "mean_probability": pl.Float64,
        "share_without_order": pl.Float64,
        "lift": pl.Float64,
        "is_inside_interval": pl.Boolean,
    }
)


@dataclass(frozen=True)
class Known:
    """What is known at a day of the customers of a snapshot. fitted: Pareto/NBD or what stands for it; orders_per_day: by
    the regression; shape (n,)."""

    snapshot: Snapshot
    fitted: Fitted
    orders_per_day: Floats

    def columns(self, days: float) -> Floats:
        """What P(no order in so many days) is read from; shape (n, 4)."""
        h = self.snapshot.histories
        since = h.T - h.t_x + 1.0
        gap = h.t_x / np.maximum(h.x, 1.0) + _USUAL_DAYS
        within = self.fitted.each(h, lambda f, part: f.p_order_within(part, days))
        return np.column_stack(
            [
                np.log(since / days),
                np.log(since / gap),
                logit(np.clip(1.0 - within, _SURE, 1.0 - _SURE)),
                np.log(np.maximum(self.orders_per_day * days, _SURE)),
            ]
        )


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


def learn(columns: Floats, nothing: NDArray[np.bool_], ridge: float = _RIDGE, towards: int | None = _MODEL) -> Learnt:
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
UNTAUGHT = Learnt(np.eye(1, 5, 1 + _MODEL)[0], np.zeros(4), np.ones(4))


def known_at(orders: Orders, s: Snapshot) -> Known:
    """What P(no order) is read from at a snapshot."""
    fitted = one_for_all(fitted_on(orders, s.as_of, "pareto_nbd"), len(s))
    learning = Learning(_RECENT_DAYS, at_most=_AT_MOST)
    return Known(s, fitted, forecast_orders("poisson_regression", orders, s, 1, learning).mean)


class Past:
    """The rolling origins that teach P(no order), of the company's orders up to a day."""

    def __init__(self, orders: Orders, as_of: date, memo: Memo | None = None) -> None:
        self._orders, self._as_of, self._memo = orders, as_of, Memo() if memo is None else memo

    def origins(self, days: int, until: date | None = None, most: int = _ORIGINS) -> list[date]:
        """Month-ends, oldest first, whose next `days` days are over by `until` (the day itself by default)."""
        return rolling_origins(
            self._orders.first_day, until or self._as_of, holdout_days=days, most=most, least_days=_LEAST_DAYS
        )

    def known(self, day: date) -> Known:
        if day not in self._memo.known:
            s = self._orders.at(day, recent_days=_RECENT_DAYS, at_most=_AT_MOST)
            self._memo.known[day] = known_at(self._orders, s)
        return self._memo.known[day]

    def nothing(self, day: date, days: int) -> NDArray[np.bool_]:
        """Who, of the customers of `known(day)`, did not order within so many days after it."""
        if (day, days) not in self._memo.nothing:
            s = self._orders.at(day, holdout_days=days, recent_days=_RECENT_DAYS, at_most=_AT_MOST)
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

    def compared(self, months: Sequence[int] = tuple(LEARNT_DAYS)) -> tuple[pl.DataFrame, pl.DataFrame]:
        """(SCORE_SCHEMA, DECILE_SCHEMA): how the answer and simpler ones did at the last origin of each length, each learnt
        from what was known by then. No rows where nothing could be learnt by then."""
        scores: list[dict[str, object]] = []
        deciles: list[pl.DataFrame] = []
        for length in months:
            days = LEARNT_DAYS[length]
            for origin in self.origins(days, most=1):
                learnt = self.learnt(length, until=origin)
                if not learnt.origins:
                    continue
                then = np.concatenate([self.known(day).columns(learnt.days) for day in learnt.origins])
                was = np.concatenate([self.nothing(day, learnt.days) for day in learnt.origins])
                now, y = self.known(origin).columns(days), self.nothing(origin, days)
                for candidate, column in zip(CANDIDATES, (_RECENCY, _EXPECTED, _MODEL, None), strict=True):
                    if column is None:
                        p = learnt.probability(now)
                    else:
                        p = learn(then[:, [column]], was, towards=None).probability(now[:, [column]])
                    by_decile = deciles_of(p, y)
                    at = {"origin_on": origin, "horizon_months": length, "candidate": candidate}
                    scores.append(
                        {
                            **at,
                            "customers": len(y),
                            "share_without_order": float(y.mean()),
                            "mean_probability": float(p.mean()),
                            "brier": float(np.mean((p - y) ** 2)),
                            "auc": auc(y, p),
                            "top_decile_lift": by_decile["lift"][-1],
                        }
                    )
                    deciles.append(by_decile.with_columns(**{name: pl.lit(value) for name, value in at.items()}))
        return (
            pl.DataFrame(scores, schema=SCORE_SCHEMA),
            pl.concat(
                [
                    pl.DataFrame(schema=DECILE_SCHEMA),
                    *(d.select(DECILE_SCHEMA.names()).cast(DECILE_SCHEMA) for d in deciles),
                ]
            ),
        )

    def why_nobody_is_seen_to_leave(self, alive: Fitted, *, by_origins: bool = True) -> str:
        """Why P(alive) cannot be known; empty where it can.

        Deaths are seen where the model has any, where most customers were seen to begin, and (`by_origins`) where, at the last
        origins, not more of those whom it thought gone came back than can still be customers by it.
        """
        begun = self._orders.order_days.group_by("customer_id").agg(pl.col("ordered_on").min())
        known_for = (pl.col("ordered_on") - pl.lit(self._orders.first_day)).dt.total_days()
        begun = begun.filter(pl.col("ordered_on") <= self._as_of)
        early = begun.filter(known_for < LEFT_TRUNCATED_DAYS).height
        if early > begun.height / 2:
            return (
                f"{early} of {begun.height} customers were there in the first {LEFT_TRUNCATED_DAYS} days of the data, so that it "
                "is not seen when they began"
            )
        if not any(part.fit.model.dropout_parameters for part in alive.parts.values()):
            return "no model that sees customers leave fits"
        days = LEARNT_DAYS[3]
        expected = variance = came_back = 0.0
        for origin in self.origins(days) if by_origins else ():
            known = self.known(origin)
            p = known.fitted.each(known.snapshot.histories, lambda f, h: f.p_alive(h))
            gone = p < 0.5
            expected += float(p[gone].sum())
            variance += float((p[gone] * (1 - p[gone])).sum())
            came_back += float((~self.nothing(origin, days)[gone]).sum())
        if came_back > expected + 2 * np.sqrt(variance):
            return (
                f"of those it called gone at the last origins {came_back:.0f} ordered within {days} days, where at most "
                f"{expected:.0f} could still be customers"
            )
        return ""


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
        p = np.clip(probability[months], np.clip(1.0 - e, 0.0, 1.0), np.clip(1.0 - e / days[months], 0.0, 1.0))
        before = p if before is None else np.minimum(p, before)
        out[months] = before
    return out


def auc(nothing: NDArray[np.bool_], p: Floats) -> float | None:
    """The chance that p ranks one who did not order above one who did, ties counting half; None where all are alike."""
    without, ordered = int(nothing.sum()), int((~nothing).sum())
    if not without or not ordered:
        return None
    return float((ranks(p)[nothing].sum() - without * (without + 1) / 2) / (without * ordered))


def deciles_of(p: Floats, nothing: NDArray[np.bool_], deviations: float = 2.81) -> pl.DataFrame:
    """Calibration by tenth of the customers, lowest probability first (ties by position). `is_inside_interval`: whether the
    number without an order lies within so many standard deviations (99.5 % of the time by chance) of the number expected."""
    n = len(p)
    decile = np.empty(n, dtype=np.int64)
    decile[np.argsort(p, kind="stable")] = np.arange(n) * 10 // max(n, 1) + 1
    frame = pl.DataFrame({"decile": decile, "p": p, "y": nothing.astype(np.int64), "v": p * (1 - p)})
    table = frame.group_by("decile").agg(
        customers=pl.len().cast(pl.Int64),
        mean_probability=pl.col("p").mean(),
        y=pl.col("y").sum(),
        spread=pl.col("v").sum().sqrt(),
    )
    overall = float(nothing.mean()) if n else 0.0
    rate = pl.col("y") / pl.col("customers")
    off = (pl.col("y") - pl.col("customers") * pl.col("mean_probability")).abs()
    return table.sort("decile").select(
        "decile",
        "customers",
        "mean_probability",
        share_without_order=rate,
        lift=rate / overall if overall else pl.lit(None, pl.Float64),
        is_inside_interval=off <= deviations * pl.col("spread") + 0.5,
    )
