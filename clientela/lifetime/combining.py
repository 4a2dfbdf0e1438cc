"""One forecast of orders from several candidates, for one horizon: their weights, and how much of the past's error of level
is taken off.

What belongs here: what is learnt at rolling origins about the means. What does not: making forecasts, and what lies around the
mean (prediction_intervals.py).

The forecast is e^(-level) times the sum of weight times the candidate's forecast. Weights are at least 0, sum to 1 and
minimise the origins' mean Poisson deviance with a ridge toward equal weights; they are used only where they beat the best
single candidate by one paired standard error, customers' origins together (as in scoring.choose).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import xlogy

from clientela.lifetime.arrays import Floats, Integers
from clientela.lifetime.scoring import LEAST_EXPECTED, paired_error, poisson_deviance

RIDGE = 0.05  # times the deviance of the plain mean, per squared distance from equal weights
_LEAST_TOTAL = 0.5


@dataclass(frozen=True)
class OriginForecasts:
    """What the candidates expected at one origin over `days`, and what came: expected by candidate and actual, shape (n,);
    customers: codes that are the same at every origin; on_day: the origin, as a number of days."""

    on_day: int
    days: int
    customers: Integers
    actual: Floats
    expected: Mapping[str, Floats]


@dataclass(frozen=True)
class Combination:
    """What is used for one horizon. weights: by candidate, those above zero; best: the best single one; level: what is taken
    off the logarithm; log_errors: of each origin, ln(expected / actual) before it; looks: how many origins they are worth,
    1 + the days they span over the horizon's, since neighbours tell nearly the same."""

    weights: Mapping[str, float]
    best: str
    level: float
    log_errors: tuple[float, ...]
    looks: float
    reason: str

    def mean(self, expected: Mapping[str, Floats]) -> Floats:
        """The combined forecast from the candidates'."""
        return np.asarray(np.exp(-self.level) * sum(weight * expected[name] for name, weight in self.weights.items()))


def combine(origins: Sequence[OriginForecasts]) -> Combination:
    """Learn weights and level at the origins, oldest first; there must be one at least."""
    names = list(origins[0].expected)
    actual = np.concatenate([o.actual for o in origins])
    customers = np.concatenate([o.customers for o in origins])
    expected = np.stack([np.concatenate([o.expected[name] for o in origins]) for name in names])
    losses = [poisson_deviance(actual, row) for row in expected]
    means = [float(loss.mean()) for loss in losses]
    best = int(np.argmin(means))
    weights = _weights(actual, expected)
    gain = losses[best] - poisson_deviance(actual, weights @ expected)
    error = paired_error(gain, np.unique(customers, return_inverse=True)[1])
    if float(gain.mean()) > error and len(names) > 1:
        reason = (
            f"a weighted mean has a mean Poisson deviance of {means[best] - gain.mean():.4g}, the best single candidate "
            f"({names[best]}) {means[best]:.4g}; standard error of the difference {error:.2g}"
        )
    else:
        weights = np.eye(len(names))[best]
        reason = (
            f"{names[best]} has the lowest mean Poisson deviance ({means[best]:.4g}), and no weighted mean is better by a "
            "standard error"
        )
    used = weights @ expected
    edges = np.cumsum([len(o.actual) for o in origins])[:-1]
    log_errors = tuple(
        float(np.log(max(m.sum(), _LEAST_TOTAL) / max(y.sum(), _LEAST_TOTAL)))
        for m, y in zip(np.split(used, edges), np.split(actual, edges), strict=True)
    )
    looks = 1 + (origins[-1].on_day - origins[0].on_day) / float(np.mean([o.days for o in origins]))
    believed = looks / (looks + 1) if looks >= 2 else 0.5
    return Combination(
        {name: float(w) for name, w in zip(names, weights, strict=True) if w > 0},
        names[best],
        believed * float(np.mean(log_errors)),
        log_errors,
        looks,
        reason,
    )


def _weights(actual: Floats, expected: Floats) -> Floats:
    """Weights of the rows of expected, shape (candidates, n)."""
    count = len(expected)
    if count == 1:
        return np.ones(1)
    rows = np.maximum(expected, LEAST_EXPECTED)
    equal = np.full(count, 1 / count)
    scale = max(float(poisson_deviance(actual, equal @ rows).mean()), 1e-12)

    def loss(weights: Floats) -> tuple[float, Floats]:
        mean = np.maximum(weights @ rows, LEAST_EXPECTED)
        value = 2 * float((xlogy(actual, actual / mean) - (actual - mean)).mean()) / scale
        slope = 2 * ((1 - actual / mean) * rows).mean(axis=1) / scale
        return value + RIDGE * float(((weights - equal) ** 2).sum()), slope + 2 * RIDGE * (weights - equal)

    found = minimize(  # type: ignore[call-overload]
        loss,
        equal,
        jac=True,
        method="SLSQP",
        bounds=[(0.0, 1.0)] * count,
        constraints=[{"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like}],
        options={"maxiter": 100, "ftol": 1e-7},
    )
    weights = np.where(found.x > 1e-6, found.x, 0.0)
    return np.asarray(weights / weights.sum())
