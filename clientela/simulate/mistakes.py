"""What hands do to text, in columns: one letter missing, doubled, wrong or out of place.

Which field suffers how often is a system's habit and stands in `records`.
"""

import numpy as np
import polars as pl

from clientela.simulate.streams import Ints, Mask

_LETTERS = pl.Series(list("abcdefghijklmnopqrstuvwxyz"))
_DIGITS = pl.Series(list("0123456789"))


def replaced(values: pl.Series, where: Mask | Ints, others: pl.Series) -> pl.Series:
    """`values` with `others`, in order, at the places of the mask or of the indices."""
    places = np.flatnonzero(where) if where.dtype == np.bool_ else where
    if len(places) == 0:
        return values
    order = np.arange(len(values), dtype=np.int64)
    order[places] = len(values) + np.arange(len(places))
    return pl.concat([values, others.cast(values.dtype)]).gather(order)


def mistyped(values: pl.Series, where: Mask, rng: np.random.Generator, *, is_number: bool = False) -> pl.Series:
    """One slip of the hand in each chosen value of three characters or more; null stays null."""
    places = np.flatnonzero(where)
    n = len(places)
    if n == 0:
        return values
    alphabet = _DIGITS if is_number else _LETTERS
    frame = pl.DataFrame(
        {
            "s": values.gather(places),
            "u": rng.random(n),
            "kind": rng.integers(0, 4, n),
            "letter": alphabet.gather(rng.integers(0, len(alphabet), n)),
        }
    )
    text = pl.col("s")
    at = (1 + pl.col("u") * (text.str.len_chars().cast(pl.Float64) - 2)).cast(pl.Int64)
    before, here, after = text.str.slice(0, at), text.str.slice(at, 1), text.str.slice(at + 1)
    slip = (
        pl.when(text.str.len_chars() < 3).then(text)
        .when(pl.col("kind") == 0).then(before + after)
        .when(pl.col("kind") == 1).then(before + after.str.slice(0, 1) + here + after.str.slice(1))
        .when(pl.col("kind") == 2).then(before + pl.col("letter") + after)
        .otherwise(before + here + here + after)
    )  # fmt: skip
    return replaced(values, places, frame.select(slip).to_series())


def chosen(rng: np.random.Generator, share: float, n: int) -> Mask:
    """A mask that takes each of `n` places with probability `share`."""
    return np.asarray(rng.random(n) < share)
