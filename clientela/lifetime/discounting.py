"""Money later is worth less: continuous discounting at delta = ln(1 + annual rate), per unit of time.

What belongs here: discount factors and integrals with them. What does not: any customer model.
"""

from collections.abc import Callable

import numpy as np

from clientela.lifetime.arrays import Floats, positive
from clientela.lifetime.errors import LifetimeError

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)


def force_of_interest(annual_rate: float, units_per_year: float) -> float:
    """delta per time unit: ln(1 + annual_rate) / units_per_year (365.25 for days, 52 or 52.18 for weeks)."""
    if not np.isfinite(annual_rate) or annual_rate <= -1:
        raise LifetimeError(f"The annual discount rate must be above -1, it is {annual_rate:g}.")
    return float(np.log1p(annual_rate)) / positive(units_per_year, "units_per_year")


def mean_discount(end: Floats, delta: float) -> Floats:
    """Mean of exp(-delta u) for u uniform in (0, end): (1 - exp(-delta end)) / (delta end), 1 where delta end is 0."""
    z = delta * np.asarray(end, dtype=np.float64)
    small = np.abs(z) < 1e-8
    return np.asarray(np.where(small, 1.0 - z / 2, -np.expm1(-z) / np.where(small, 1.0, z)))


def discounted_from_cumulative(cumulative: Callable[[float], Floats], *, horizon: float, delta: float) -> Floats:
    """The integral of exp(-delta u) dM(u) over (0, horizon) from M itself.

    By parts it is exp(-delta H) M(H) + delta times the integral of exp(-delta u) M(u): no rate is needed, and the
    integral is a correction of the order of delta H, for which 12 Gauss points are exact to about 1e-9.
    The points are squared towards zero, where M bends most.
    """
    end = cumulative(horizon)
    if delta == 0:
        return end
    v = (_NODES + 1) / 2
    total = np.zeros_like(end)
    for node, weight in zip(v, _WEIGHTS / 2, strict=True):
        u = horizon * node * node
        total += weight * 2 * node * horizon * np.exp(-delta * u) * cumulative(float(u))
    return np.asarray(np.exp(-delta * horizon) * end + delta * total)
