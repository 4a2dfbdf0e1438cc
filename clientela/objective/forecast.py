"""Where a monthly series is heading: exponential smoothing with a damped trend, and an interval from its own residuals.

Belongs here: series of numbers. Does not belong here: what they measure, targets.

The method is ETS(A,Ad,N) of Hyndman and Athanasopoulos, *Forecasting: Principles and Practice* (3rd ed., 8.7): a level and a
trend that is damped by 0.9 a month, their weights those of the smallest squared one-month error over the series. No season is
learnt. Below MIN_TREND months the last value is carried on, with the interval of a random walk; below MIN_LEVEL there is no
forecast.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

DAMPING = 0.9
MIN_LEVEL, MIN_TREND = 3, 6
#: older months say nothing about where it is heading
MAX_MONTHS = 36
#: standard deviations from the middle to either end of the central 80 %
_Z80 = 1.2815515655446004
_LEVEL_WEIGHTS = np.arange(0.1, 1.0, 0.1)
_TREND_WEIGHTS = np.array([0.0, 0.05, 0.1, 0.2, 0.3])


class Forecast(NamedTuple):
    """The value so many months on, and the central 80 % of where it may lie."""

    value: float
    p10: float
    p90: float


def forecast(series: Sequence[float], months_ahead: int) -> Forecast | None:
    """What the series is forecast to be `months_ahead` (1 or more) after its last month; None of fewer than MIN_LEVEL months.

    series: the values of consecutive months, oldest first.
    """
    values = np.asarray(series[-MAX_MONTHS:], dtype=np.float64)
    if len(values) < MIN_LEVEL:
        return None
    if len(values) < MIN_TREND:
        spread = float(np.sqrt(np.mean(np.diff(values) ** 2))) * math.sqrt(months_ahead)
        return _around(float(values[-1]), spread)
    alpha, beta = (grid.ravel() for grid in np.meshgrid(_LEVEL_WEIGHTS, _TREND_WEIGHTS, indexing="ij"))
    level, trend = np.full(alpha.shape, values[0]), np.zeros(alpha.shape)
    squared = np.zeros(alpha.shape)
    for value in values[1:]:
        expected = level + DAMPING * trend
        error = value - expected
        squared += error**2
        level, trend = expected + alpha * error, DAMPING * trend + beta * error
    best = int(np.argmin(squared))
    sigma = math.sqrt(squared[best] / max(len(values) - 3, 1))
    damped = np.cumsum(DAMPING ** np.arange(1, months_ahead + 1))
    middle = float(level[best] + damped[-1] * trend[best])
    moved = alpha[best] + beta[best] * damped[: months_ahead - 1]
    return _around(middle, sigma * math.sqrt(1 + float(np.sum(moved**2))))


def _around(middle: float, spread: float) -> Forecast:
    return Forecast(middle, middle - _Z80 * spread, middle + _Z80 * spread)
