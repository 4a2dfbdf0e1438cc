"""Maximum likelihood: a neighbour's top or several starts, damped Newton on analytic gradients, and the Hessian at the top.

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


NOT_DETERMINED = (
    "the data do not determine its parameters: the likelihood is flat in some direction, or rises to the edge of what is "
    "plausible"
)
_NEAR_TOP = 1e-2
_SEARCH_MISSES = 1.0  # nats that a search may end below the top
_DECIMALS = 7


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
    *,
    rough: Objective | None = None,
    near: Floats | None = None,
    at_least: tuple[float, str] | None = None,
    largest_deviation: float = 6.0,
) -> Maximum:
    """The maximum of `objective` (value, gradient) over theta inside `bounds`.

    Every start is searched on `rough` (a sample of the rows; default the objective itself), the best end is carried to
    the top of `objective` by Newton steps. near: the top of like data; the steps begin there, and no search comes before
    them where they arrive. The top is found so closely that it does not show where the search began. at_least: a value
    (on the rough rows, if there are any) below which the top would be refused, and why; so far below it no step is taken.
    Raises NotIdentified when the search ends on a bound, does not end, or the curvature there does not determine every
    parameter (a standard error above `largest_deviation`); which of these it is depends on the way, so that the reason is one.
    """
    with _threads().limit(limits=1, user_api="blas"):
        if near is not None:
            try:
                return _climbed(objective, np.asarray(near, dtype=np.float64), bounds, largest_deviation)
            except NotIdentified:
                pass
        start = _searched(rough or objective, starts, bounds)
        if at_least is not None and (rough or objective)(start)[0] < at_least[0] - _SEARCH_MISSES:
            raise NotIdentified(at_least[1])
        return _climbed(objective, start, bounds, largest_deviation)


def _searched(objective: Objective, starts: Sequence[Floats], bounds: Sequence[tuple[float, float]]) -> Floats:
    """Where the best of the searches from all starts ends."""
    low, high = _edges(bounds)

    def downhill(theta: Floats) -> tuple[float, Floats]:
        value, gradient = objective(theta)
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
    return best[1]


def _edges(bounds: Sequence[tuple[float, float]]) -> tuple[Floats, Floats]:
    return np.array([b[0] for b in bounds]), np.array([b[1] for b in bounds])


def _climbed(
    objective: Objective,
    start: Floats,
    bounds: Sequence[tuple[float, float]],
    largest_deviation: float,
) -> Maximum:
    """The top that Newton steps lead to from the start."""
    low, high = _edges(bounds)
    theta, _, iterations, arrived = _newton(objective, np.clip(start, low, high), low, high)
    is_at_edge = bool(((theta <= low + 1e-3) | (theta >= high - 1e-3)).any())
    if is_at_edge or not arrived:
        raise NotIdentified(NOT_DETERMINED)
    theta = _polished(objective, theta, _covariance(objective, theta, largest_deviation))
    covariance = _covariance(objective, theta, largest_deviation)
    return Maximum(theta, objective(theta)[0], covariance, iterations)


def _covariance(objective: Objective, theta: Floats, largest_deviation: float) -> Floats:
    """The inverse of minus the Hessian. Raises NotIdentified where the curvature does not determine every parameter."""
    values, vectors = np.linalg.eigh(-hessian(objective, theta))
    if values[0] <= 0 or not np.isfinite(values).all():
        raise NotIdentified(NOT_DETERMINED)
    covariance = np.asarray((vectors / values) @ vectors.T, dtype=np.float64)
    if float(np.sqrt(np.diag(covariance)).max()) > largest_deviation:
        raise NotIdentified(NOT_DETERMINED)
    return covariance


def _polished(objective: Objective, theta: Floats, covariance: Floats) -> Floats:
    """The last steps, with the curvature near the top, and a rounding that hides what is left of where the search began."""
    best = theta
    for _ in range(5):
        gradient = objective(best)[1]
        move = covariance @ gradient
        # what the steps still gain, in nats
        if not np.isfinite(move).all() or float(gradient @ move) < 1e-24:
            break
        best = best + move
    # the curvature was taken so near the top that no step can lead away from it
    return np.round(best if np.abs(best - theta).max() < _NEAR_TOP else theta, _DECIMALS)


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
