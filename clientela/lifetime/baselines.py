"""What a model must beat: own rate, last period, the mean of the two, and a Poisson regression.

What belongs here: expected orders in a horizon from plain arithmetic or a regression. What does not: intervals
(prediction_intervals.py), scores.
"""

from dataclasses import dataclass

import numpy as np

from clientela.lifetime.arrays import Floats
from clientela.lifetime.errors import NotIdentified
from clientela.lifetime.histories import Histories
from clientela.lifetime.origins import Snapshot


def usual_gap(h: Histories) -> float:
    """The mean days between orders of all customers, at least one unit of time."""
    orders = float(h.x.sum())
    return max(float(h.t_x.sum()) / orders, 1.0) if orders else 1.0


def own_rate(h: Histories, horizon: float, gap: float | None = None) -> Floats:
    """A customer's repeat orders over their age, times the horizon; shape (n,).

    Whoever is known for less than a usual gap of the company counts as known for one (at least one unit of time): two orders
    in two days are no habit. gap: that usual gap, of these customers where it is not given.
    """
    return np.asarray(h.x / np.maximum(h.T, usual_gap(h) if gap is None else gap) * horizon)


def last_period(recent_orders: Floats, period: float, horizon: float) -> Floats:
    """Orders of the last period, times horizon / period; shape (n,)."""
    return np.asarray(recent_orders * (horizon / period))


def mean_of_two(h: Histories, recent_orders: Floats, period: float, horizon: float, gap: float | None = None) -> Floats:
    """The mean of `own_rate` and `last_period`."""
    return (own_rate(h, horizon, gap) + last_period(recent_orders, period, horizon)) / 2


def features(s: Snapshot) -> Floats:
    """(n, 6): recency, frequency, value, tenure, engagement, recent orders. Frequency is a rate, so that customers watched
    for longer are comparable; times, rates and amounts are logarithms."""
    h = s.histories
    value = s.revenue / (h.x + 1)
    return np.stack(
        [
            np.log1p(h.T - h.t_x),
            np.log((h.x + 0.5) / (h.T + s.recent_days / 4)),
            np.sign(value) * np.log1p(np.abs(value)),
            np.log1p(h.T),
            s.engagement,
            np.log1p(s.recent_orders),
        ],
        axis=1,
    )


@dataclass(frozen=True)
class RegressionFit:
    """What a regression learnt: intercept and weights of the features, centred and scaled, and the edges of what was seen;
    days: of the period that it was learnt over."""

    weights: Floats
    centre: Floats
    spread: Floats
    low: Floats
    high: Floats
    days: int

    def expected(self, today: Snapshot, horizon: float) -> Floats:
        """Orders expected of each customer; recent orders are those of as many days; shape (n,)."""
        # Features outside what was seen are held at its edge: an exponential extrapolates without mercy.
        now = np.clip(features(today), self.low, self.high)
        return np.asarray(
            np.exp(self.weights[0] + (now - self.centre) / self.spread @ self.weights[1:]) * (horizon / self.days)
        )


def learn_regression(inner: Snapshot, inner_days: int) -> RegressionFit:
    """Fit on an inner split: features at inner.as_of, orders in the `inner_days` after it, recent orders over as many days.
    Raises NotIdentified where it holds too few customers or orders."""
    if inner.actual_orders is None or len(inner) < 50 or inner.actual_orders.sum() < 20:
        raise NotIdentified("the inner split holds too few customers or orders for a regression")
    then = features(inner)
    centre, spread = then.mean(axis=0), then.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    weights = _fit_poisson((then - centre) / spread, inner.actual_orders)
    return RegressionFit(weights, centre, spread, then.min(axis=0), then.max(axis=0), inner_days)


def poisson_regression(inner: Snapshot, inner_days: int, today: Snapshot, horizon: float) -> Floats:
    """Fit on an inner split, predict `today`; shape (n,). The inner split must end by today.as_of."""
    return learn_regression(inner, inner_days).expected(today, horizon)


def _fit_poisson(z: Floats, y: Floats, ridge: float = 1e-3) -> Floats:
    """Intercept and weights of ln E(y) = w0 + z . w by Newton steps; `ridge` times half the squared weights is added to the
    mean negative log-likelihood (scikit-learn's PoissonRegressor, whose import costs a night seconds, gives the same)."""
    n, k = z.shape
    design = np.column_stack([np.ones(n), z])
    penalty = np.r_[0.0, np.full(k, ridge)]
    weights = np.r_[np.log(y.mean()), np.zeros(k)]

    def loss(w: Floats) -> float:
        eta = np.minimum(design @ w, 700.0)
        return float((np.exp(eta) - y * eta).mean() + penalty @ (w * w) / 2)

    value = loss(weights)
    for _ in range(100):
        mean = np.exp(np.minimum(design @ weights, 700.0))
        gradient = design.T @ (mean - y) / n + penalty * weights
        curvature = (design.T * mean) @ design / n + np.diag(penalty)
        step = np.linalg.lstsq(curvature, gradient, rcond=None)[0]
        size = 1.0
        while (new := loss(weights - size * step)) > value and size > 1e-9:
            size /= 2
        weights, gained, value = weights - size * step, value - new, new
        if gained < 1e-12 * max(1.0, abs(value)):
            break
    return np.asarray(weights)
