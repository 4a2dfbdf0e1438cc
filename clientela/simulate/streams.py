"""Random numbers: one independent stream a topic, so that drawing more for one topic moves no other."""

import zlib

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def stream(seed: int, topic: str) -> np.random.Generator:
    """The generator of one topic under one seed."""
    return np.random.default_rng([seed, zlib.crc32(topic.encode())])


def weighted(rng: np.random.Generator, weights: list[float] | tuple[float, ...], n: int) -> Ints:
    """`n` draws of 0 … len(weights) - 1 in proportion to the weights."""
    edges = np.cumsum(np.asarray(weights, dtype=float))
    return np.searchsorted(edges / edges[-1], rng.random(n), side="right").astype(np.int64)


def skewed(rng: np.random.Generator, counts: Ints | int, n: int, flatness: float = 8.0) -> Ints:
    """Ranks 0 … count - 1 with weights near 1 / (rank + flatness): few common values, a long tail."""
    top = np.asarray(counts, dtype=float)
    ranks = flatness * ((top + flatness) / flatness) ** rng.random(n) - flatness
    whole: Ints = np.minimum(ranks, top - 1).astype(np.int64)
    return whole


def spread(index: Ints, modulus: int, multiplier: int, shift: int) -> Ints:
    """A number below `modulus` for each index, distinct while index < modulus (multiplier prime to it)."""
    numbers: Ints = (index % modulus * multiplier + shift) % modulus
    return numbers
