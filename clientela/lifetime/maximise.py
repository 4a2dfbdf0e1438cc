"""Maximum likelihood: several starts, damped Newton on analytic gradients, and the Hessian at the top.

What belongs here: the search, and the judgement whether it arrived. What does not: any likelihood.

The search runs on unbounded (logarithmic) parameters. The Hessian is the central difference of the analytic gradient. The
linear algebra is of 2 to 4 dimensions: BLAS is held to one thread, since starting more costs 25 times the work itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from clientela.lifetime.arrays import Floats
from clientela.lifetime.errors import NotIdentified

Objective = Callable[[Floats], tuple[float, Floats]]


@dataclass(frozen=True)
class Maximum:
    """Where the likelihood is greatest: theta, its value, the covariance of theta (inverse of minus the Hessian)."""

    theta: Floats
    log_likelihood: float
    covariance: Floats
    iterations: int


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()


def maximise(
    objective: Objective,
    starts: Sequence[Floats],
    bounds: Sequence[tuple[float, float]],
    names: Sequence[str],
    *,
    rough: Objective | None = None,
    largest_deviation: float = 6.0,
) -> Maximum:
    """The maximum of `objective` (value, gradient) over theta inside `bounds`.

    Every start is searched on `rough` (a sample of the rows; default the objective itself), the best end is carried to
    the top of `objective` by Newton steps. Raises NotIdentified with the reason when the search ends on a bound, does
    not end, or the curvature there does not determine every parameter (a standard error above `largest_deviation`).
    """
    with _threads().limit(limits=1, user_api="blas"):
        return _maximise(objective, starts, bounds, names, rough, largest_deviation)


def _maximise(
    objective: Objective,
    starts: Sequence[Floats],
    bounds: Sequence[tuple[float, float]],
    names: Sequence[str],
    rough: Objective | None,
    largest_deviation: float,
) -> Maximum:
    low = np.array([b[0] for b in bounds])
    high = np.array([b[1] for b in bounds])
    first = rough or objective

    def downhill(theta: Floats) -> tuple[float, Floats]:
        value, gradient = first(theta)
        if not np.isfinite(value) or not np.isfinite(gradient).all():
            return 1e300, np.zeros_like(theta)
        return -value, -gradient

    best: tuple[float, Floats] | None = None
    for start in starts:
        found = minimize(
            downhill, np.clip(start, low, high), jac=True, method="L-BFGS-B", bounds=list(zip(low, high, strict=True))
        )
        if np.isfinite(found.fun) and found.fun < 1e299 and (best is None or found.fun < best[0]):
            best = (float(found.fun), np.asarray(found.x, dtype=np.float64))
    if best is None:
        raise NotIdentified("the likelihood is not finite at any start")
    theta, value, iterations, arrived = _newton(objective, best[1], low, high)
    at_bound = [n for n, t, lo, hi in zip(names, theta, low, high, strict=True) if t <= lo + 1e-3 or t >= hi - 1e-3]
    if at_bound:
        raise NotIdentified(f"{', '.join(at_bound)} ran to the edge of what is plausible: the data do not determine it")
    if not arrived:
        raise NotIdentified("the search for the maximum of the likelihood did not converge")
    curvature = -hessian(objective, theta)
    values, vectors = np.linalg.eigh(curvature)
    if values[0] <= 0 or not np.isfinite(values).all():
        raise NotIdentified("the likelihood is flat in some direction: the data do not determine all parameters")
    covariance = (vectors / values) @ vectors.T
    deviations = np.sqrt(np.diag(covariance))
    if deviations.max() > largest_deviation:
        worst = names[int(np.argmax(deviations))]
        raise NotIdentified(
            f"the data hardly determine {worst} (standard error of its logarithm {deviations.max():.1f})"
        )
    return Maximum(theta, value, covariance, iterations)


def hessian(objective: Objective, theta: Floats, step: float = 1e-4) -> Floats:
    """The Hessian of `objective` at theta by central differences of its analytic gradient, symmetrised."""
    k = len(theta)
    out = np.empty((k, k))
    for j in range(k):
        move = np.zeros(k)
        move[j] = step
        out[j] = (objective(theta + move)[1] - objective(theta - move)[1]) / (2 * step)
    return (out + out.T) / 2


def _newton(
    objective: Objective, theta: Floats, low: Floats, high: Floats, most: int = 60
) -> tuple[Floats, float, int, bool]:
    """Damped Newton ascent; arrives when the gain still promised by the quadratic model is below 1e-7 nats."""
    value, gradient = objective(theta)
    for iteration in range(most):
        curvature = np.empty((len(theta), len(theta)))
        for j in range(len(theta)):
            step = 1e-5 if theta[j] < high[j] - 1e-4 else -1e-5
            moved = theta.copy()
            moved[j] += step
            curvature[j] = (gradient - objective(moved)[1]) / step
        values, vectors = np.linalg.eigh((curvature + curvature.T) / 2)
        size = np.maximum(np.abs(values), 1e-8 * max(1.0, float(np.abs(values).max())))
        move = vectors @ ((vectors.T @ gradient) / size)
        free = ~(((theta <= low + 1e-9) & (move < 0)) | ((theta >= high - 1e-9) & (move > 0)))
        move = np.where(free, move, 0.0)
        promised = 0.5 * float(gradient @ move)
        if promised < 1e-7:
            return theta, value, iteration, True
        move *= min(1.0, 2.0 / float(np.abs(move).max()))
        for halving in range(40):
            candidate = np.clip(theta + move * 0.5**halving, low, high)
            new_value, new_gradient = objective(candidate)
            if np.isfinite(new_value) and np.isfinite(new_gradient).all() and new_value > value:
                break
        else:
            # No step gains anything that rounding lets us see: the top, unless much was still promised.
            return theta, value, iteration, promised < 1e-3
        theta, value, gradient = candidate, new_value, new_gradient
    return theta, value, most, False
