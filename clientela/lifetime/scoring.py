"""How good a forecast was, and which candidate is to be used.

What belongs here: scores of point forecasts and of intervals, the choice. What does not: making
forecasts.

Randomised PIT: Smith 1985, Czado, Gneiting & Held 2009. The one-standard-error rule: Breiman et al. 1984, here on the paired
difference of customers' mean losses over the origins, since the same customers are scored by all candidates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import polars as pl
from scipy.special import xlogy

from clientela.lifetime.arrays import Floats, Integers, floats, same_length, spearman
from clientela.lifetime.errors import LifetimeError

LEAST_EXPECTED = 1e-3  # a forecast of no orders at all is scored as this many: its deviance would be infinite


@dataclass(frozen=True)
class Scores:
    """Scores of one candidate on one holdout; error_in_total is a share of the actual total (nan-free: 0/0 is 0)."""

    customers: int
    actual_total: float
    expected_total: float
    error_in_total: float
    rmse: float
    mae: float
    spearman: float
    top_decile_share: float
    calibration_error: float
    mean_poisson_deviance: float | None
    mean_squared_error: float


#: the same as columns of a frame
SCORE_COLUMNS: Mapping[str, Any] = {
    field.name: pl.Int64 if field.name == "customers" else pl.Float64 for field in fields(Scores)
}


def score(
    actual: object,
    expected: object,
    *,
    counts: bool = True,
    deciles: Sequence["Decile"] | None = None,
    actual_ranks: Floats | None = None,
) -> Scores:
    """Score expected against actual, both shape (n,). counts: whether they are orders (deviance) or money (none).
    deciles, actual_ranks: their calibration() and the ranks() of actual, where they are known already.

    top_decile_share: of the true top tenth by actual, the share among the top tenth by expected. calibration_error: mean
    over expected deciles of |expected - actual| means, as a share of the mean actual.
    """
    y, m = floats(actual, "actual"), floats(expected, "expected")
    n = same_length(actual=y, expected=m)
    if n == 0:
        raise LifetimeError("There is no customer to score.")
    total, predicted = float(y.sum()), float(m.sum())
    deciles = calibration(y, m) if deciles is None else deciles
    gaps = sum(abs(d.expected_mean - d.actual_mean) * d.customers for d in deciles) / n
    return Scores(
        n,
        total,
        predicted,
        _share(predicted - total, total),
        float(np.sqrt(np.mean((y - m) ** 2))),
        float(np.mean(np.abs(y - m))),
        spearman(y, m, actual_ranks),
        _top_decile_share(y, m),
        _share(gaps, abs(total) / n),
        float(np.mean(poisson_deviance(y, m))) if counts else None,
        float(np.mean((y - m) ** 2)),
    )


def poisson_deviance(actual: Floats, expected: Floats) -> Floats:
    """2 (y ln(y/m) - (y - m)) per customer; m is at least LEAST_EXPECTED."""
    m = np.maximum(expected, LEAST_EXPECTED)
    return np.asarray(2 * (xlogy(actual, actual / m) - (actual - m)))


@dataclass(frozen=True)
class Decile:
    """One of at most ten groups of customers of like expectation; 1 is the highest."""

    decile: int
    customers: int
    expected_mean: float
    actual_mean: float


def calibration(actual: Floats, expected: Floats, bins: int = 10) -> list[Decile]:
    """Mean expected and actual in at most `bins` groups of equal count by expected, ties together, highest first."""
    codes = equal_count_bins(-np.asarray(expected), bins)
    counts = np.bincount(codes, minlength=bins)
    means = [
        np.bincount(codes, weights=values, minlength=bins) / np.maximum(counts, 1) for values in (expected, actual)
    ]
    return [
        Decile(number, int(counts[code]), float(means[0][code]), float(means[1][code]))
        for number, code in enumerate(np.flatnonzero(counts), start=1)
    ]


def equal_count_bins(values: Floats, bins: int = 10) -> Integers:
    """Bin of each value: at most `bins`, of equal count, equal values in the same bin; low values first."""
    values = np.asarray(values)
    n = len(values)
    if not n:
        return np.zeros(0, dtype=np.int64)
    # a value is in bin k or above if at least k n / bins values lie below it
    places = [-(-k * n // bins) - 1 for k in range(1, bins)]
    return np.searchsorted(np.partition(values, places)[places], values, side="left").astype(np.int64)


@dataclass(frozen=True)
class Choice:
    """The candidate to use and the sentence that says why."""

    candidate: str
    reason: str
    excess: Mapping[str, float]
    standard_error: Mapping[str, float]


def choose(losses: Mapping[str, Floats], customers: Integers, simplest_first: Sequence[str], what: str) -> Choice:
    """The simplest candidate within one standard error of the best mean loss.

    losses: per candidate, shape (n,), the loss of each scored customer and origin; customers: shape (n,), codes: the rows of
    one customer at several origins are one observation of the standard error.
    """
    names = [name for name in simplest_first if name in losses]
    if not names:
        raise LifetimeError("There is no candidate to choose from.")
    _, codes = np.unique(customers, return_inverse=True)
    means = {name: float(losses[name].mean()) for name in names}
    best = min(names, key=lambda name: (means[name], names.index(name)))
    excess: dict[str, float] = {}
    error: dict[str, float] = {}
    for name in names:
        excess[name] = means[name] - means[best]
        error[name] = paired_error(losses[name] - losses[best], codes)
    chosen = next(name for name in names if excess[name] <= error[name])
    if chosen == best:
        reason = f"{chosen} has the lowest {what} ({means[best]:.4g}) and no simpler candidate comes within one standard error"
    else:
        reason = (
            f"{chosen} is the simplest candidate within one standard error of the best {what}: "
            f"{means[chosen]:.4g} against {means[best]:.4g} of {best}, difference {excess[chosen]:.2g}, "
            f"standard error {error[chosen]:.2g}"
        )
    return Choice(chosen, reason, excess, error)


def paired_error(difference: Floats, codes: Integers) -> float:
    """The standard error of the mean difference; the rows of one customer (code) are one observation."""
    per_customer = np.bincount(codes, weights=difference - difference.mean())
    return float(np.sqrt((per_customer**2).sum())) / len(difference)


def calibrated_coverage(pit: Floats, low: float = 0.1, high: float = 0.9) -> float:
    """Share of customers whose randomised PIT lies in low .. high; 0.8 where 80 % intervals are right."""
    return float(np.mean((pit >= low) & (pit <= high)))


def raw_coverage(actual: Floats, low: Floats, high: Floats) -> float:
    """Share of customers inside their P10 .. P90, ends included; above 80 % where zero is likely."""
    return float(np.mean((actual >= low) & (actual <= high)))


def _share(part: float, whole: float) -> float:
    if whole == 0:
        return 0.0 if part == 0 else float(np.sign(part))
    return part / abs(whole)


def _top_decile_share(y: Floats, m: Floats) -> float:
    """Ties at the edge count by their share of the places left, so that the order of rows does not matter."""
    top = max(1, len(y) // 10)

    def weight(values: Floats) -> Floats:
        edge = np.partition(values, len(values) - top)[len(values) - top]
        above = values > edge
        ties = values == edge
        return np.asarray(above + ties * ((top - above.sum()) / ties.sum()))

    return float((weight(y) * weight(m)).sum() / top)
