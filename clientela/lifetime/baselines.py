"""What a model must beat: own rate, last period, the mean of the two, and a Poisson regression.

What belongs here: expected orders in a horizon from plain arithmetic or from scikit-learn. What does not: intervals
(draws.ScatterDraws), scores.
"""

import numpy as np
from sklearn.linear_model import PoissonRegressor
from sklearn.preprocessing import StandardScaler

from clientela.lifetime.arrays import Floats
from clientela.lifetime.errors import NotIdentified
from clientela.lifetime.histories import Histories
from clientela.lifetime.origins import Snapshot


def own_rate(h: Histories, horizon: float) -> Floats:
    """A customer's repeat orders over his age (at least one unit of time), times the horizon; shape (n,)."""
    return np.asarray(h.x / np.maximum(h.T, 1.0) * horizon)


def last_period(recent_orders: Floats, period: float, horizon: float) -> Floats:
    """Orders of the last period, times horizon / period; shape (n,)."""
    return np.asarray(recent_orders * (horizon / period))


def mean_of_two(h: Histories, recent_orders: Floats, period: float, horizon: float) -> Floats:
    """The mean of `own_rate` and `last_period`."""
    return (own_rate(h, horizon) + last_period(recent_orders, period, horizon)) / 2


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


def poisson_regression(inner: Snapshot, inner_days: int, today: Snapshot, horizon: float) -> Floats:
    """Fit on an inner split (features at inner.as_of, orders in the `inner_days` after it), predict `today`; shape (n,).

    The inner split must end by today.as_of, and both count recent orders over the same days. Raises NotIdentified where it
    holds too few customers or orders.
    """
    if inner.actual_orders is None or len(inner) < 50 or inner.actual_orders.sum() < 20:
        raise NotIdentified("the inner split holds too few customers or orders for a regression")
    then = features(inner)
    scale = StandardScaler().fit(then)
    model = PoissonRegressor(alpha=1e-3, max_iter=500).fit(scale.transform(then), inner.actual_orders)
    # Features outside what was seen are held at its edge: an exponential extrapolates without mercy.
    now = np.clip(features(today), then.min(axis=0), then.max(axis=0))
    return np.asarray(model.predict(scale.transform(now)) * (horizon / inner_days))
