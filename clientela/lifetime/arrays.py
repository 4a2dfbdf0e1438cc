"""Checks and shapes shared by every module: what counts as a usable array.

What belongs here: coercion to float64, the sentences for unusable input, ranks. What does not: models.
"""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clientela.lifetime.errors import LifetimeError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def floats(values: Any, name: str, *, minimum: float | None = None) -> Floats:
    """A one-dimensional float64 array; refuses NaN, inf and values below `minimum` with a sentence."""
    try:
        array = np.atleast_1d(np.asarray(values, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise LifetimeError(f"{name} must be numbers.") from error
    if array.ndim != 1:
        raise LifetimeError(f"{name} must have one dimension, it has {array.ndim}.")
    if array.size and not np.isfinite(array).all():
        raise LifetimeError(f"{name} holds {int((~np.isfinite(array)).sum())} values that are missing or not finite.")
    if minimum is not None and array.size and float(array.min()) < minimum:
        raise LifetimeError(f"{name} holds {float(array.min()):g}, the least it may hold is {minimum:g}.")
    return array


def same_length(**arrays: Floats | Integers | None) -> int:
    """The common length of the arrays given by name (None is skipped); refuses unequal lengths."""
    lengths = {name: len(array) for name, array in arrays.items() if array is not None}
    if len(set(lengths.values())) > 1:
        raise LifetimeError("Arrays differ in length: " + ", ".join(f"{k} {v}" for k, v in lengths.items()) + ".")
    return next(iter(lengths.values()))


def positive(value: float, name: str, *, zero: bool = False) -> float:
    """A finite number above zero (or from zero on), else a sentence."""
    number = float(value)
    if not np.isfinite(number) or number < 0 or (number == 0 and not zero):
        raise LifetimeError(f"{name} must be a finite number {'from' if zero else 'above'} zero, it is {number:g}.")
    return number


def spearman(a: Floats, b: Floats, ranks_of_a: Floats | None = None) -> float:
    """Spearman's rank correlation, ties at their mean rank; 0 where it is undefined (fewer than 3, or all alike)."""
    if len(a) < 3 or a.min() == a.max() or b.min() == b.max():
        return 0.0
    return float(np.corrcoef(ranks(a) if ranks_of_a is None else ranks_of_a, ranks(b))[0, 1])


def ranks(values: Floats) -> Floats:
    """The rank of each value from 1 on, ties at their mean rank."""
    return np.asarray(pl.Series(values).rank("average").to_numpy(), dtype=np.float64)
