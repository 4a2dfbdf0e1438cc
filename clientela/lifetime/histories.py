"""What a purchase model knows of a customer: x repeat orders, the last at t_x, watched for T.

What belongs here: the arrays, their checks, and the compression of raw rows to distinct ones with counts.
What does not: making histories from dated events (origins.py), any likelihood.

Times are in any unit, the same for the three arrays and for every horizon asked of a fit; x counts orders after the
first, t_x is the age at the last order (0 when x is 0), T the age at the as-of moment.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clientela.lifetime.arrays import Floats, Integers, floats, same_length
from clientela.lifetime.errors import LifetimeError

#: with so many distinct histories or more, like ones are folded for the search
FOLDED_FROM = 5_000
_WEEK = 7.0
_AGES = 64  # ages are told apart to a week, or to this part of the oldest
_RECENCY_GROWTH = 0.08  # and recencies to a week, or to this share of themselves
_TABLE_LIMIT = 1 << 22  # range of integer keys up to which they are counted in a table; beyond it 8 n, else sorted


@dataclass(frozen=True)
class Histories:
    """Purchase histories of n customers.

    x, t_x, T: shape (n,). covariates: shape (n, m) or None, not changing with time. log_gaps: shape (n,) or None, the
    sum over a customer's gaps between orders of ln(gap); only MBG/CNBD-k reads it.
    """

    x: Floats
    t_x: Floats
    T: Floats
    covariates: Floats | None = None
    log_gaps: Floats | None = None

    @classmethod
    def of(
        cls,
        x: object,
        t_x: object,
        T: object,
        covariates: object = None,
        log_gaps: object = None,
    ) -> "Histories":
        """Check and coerce; refuses negative values, t_x after T, and t_x that disagrees with x."""
        x_, t_, T_ = floats(x, "x", minimum=0), floats(t_x, "t_x", minimum=0), floats(T, "T", minimum=0)
        gaps = None if log_gaps is None else floats(log_gaps, "log_gaps")
        n = same_length(x=x_, t_x=t_, T=T_, log_gaps=gaps)
        if n == 0:
            raise LifetimeError("There is no customer to model.")
        if (x_ != np.floor(x_)).any():
            raise LifetimeError("x must be whole numbers of repeat orders.")
        if (t_ > T_ * (1 + 1e-12)).any():
            raise LifetimeError(f"{int((t_ > T_).sum())} customers have a last order after the as-of moment (t_x > T).")
        if (((x_ == 0) & (t_ > 0)) | ((x_ > 0) & (t_ == 0))).any():
            raise LifetimeError("t_x must be 0 for customers without repeat orders, and above 0 for the others.")
        z = None
        if covariates is not None:
            z = np.asarray(covariates, dtype=np.float64)
            z = z[:, None] if z.ndim == 1 else z
            if z.shape[0] != n or not np.isfinite(z).all():
                raise LifetimeError("covariates must be finite, with one row per customer.")
        return cls(x_, np.minimum(t_, T_), T_, z, gaps)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: Integers | NDArray[np.bool_] | slice) -> "Histories":
        """The histories of some customers (a mask, positions or a slice)."""
        z = None if self.covariates is None else self.covariates[rows]
        gaps = None if self.log_gaps is None else self.log_gaps[rows]
        return Histories(self.x[rows], self.t_x[rows], self.T[rows], z, gaps)

    @cached_property
    def _x_table(self) -> tuple[Floats, Integers]:
        if self.x.size and self.x.max() < 1e6:
            whole = self.x.astype(np.int64)
            seen = np.zeros(int(whole.max()) + 1, dtype=bool)
            seen[whole] = True
            there = np.flatnonzero(seen)
            place = np.zeros(len(seen), dtype=np.int64)
            place[there] = np.arange(len(there))
            return there.astype(np.float64), place[whole]
        values, index = np.unique(self.x, return_inverse=True)
        return values, np.asarray(index, dtype=np.int64)

    def on_x(self, function: Callable[[Floats], Floats], *, one_parameter_set: bool) -> Floats:
        """function(x) per row; where one parameter set serves all rows it is computed once per distinct x."""
        if not one_parameter_set:
            return function(self.x)
        values, index = self._x_table
        return function(values)[index]

    def compressed(self) -> "Compressed":
        """The distinct rows of (x, t_x, T, covariates) with their counts and the way back."""
        index, first = _distinct(self)
        counts = np.bincount(index, minlength=len(first)).astype(np.float64)
        log_gaps = None
        total = 0.0
        if self.log_gaps is not None:
            total = float(self.log_gaps.sum())
            log_gaps = np.zeros(len(first))
        rows = self[first]
        rows = Histories(rows.x, rows.t_x, rows.T, rows.covariates, log_gaps)
        return Compressed(rows, counts, index, total)


@dataclass(frozen=True)
class Compressed:
    """Distinct rows, how many customers share each, and for each customer the place of their row."""

    rows: Histories
    counts: Floats
    index: Integers = field(repr=False)
    log_gaps_total: float = 0.0

    def folded(self) -> "Compressed":
        """Fewer rows, where a search for parameters begins: of the same x those of nearly the same age and recency (T - t_x) are
        put together at their mean. Times in days. What cells hide moves parameters by a standard error or two, so that the
        last steps are taken on the rows themselves."""
        rows = self.rows
        width = max(_WEEK, float(rows.T.max()) / _AGES)
        recency = rows.T - rows.t_x
        age = np.floor(rows.T / width).astype(np.int64)
        since = np.floor(np.log1p(recency * _RECENCY_GROWTH / _WEEK) / np.log1p(_RECENCY_GROWTH)).astype(np.int64)
        since = np.where(rows.x > 0, since, 0)
        key = (rows.x.astype(np.int64) * (int(age.max()) + 1) + age) * (int(since.max()) + 1) + since
        kinds, cell = np.unique(key, return_inverse=True)
        size = len(kinds)
        counts = np.asarray(np.bincount(cell, weights=self.counts, minlength=size), dtype=np.float64)
        mean = {
            name: np.bincount(cell, weights=of * self.counts, minlength=size) / counts
            for name, of in (("x", rows.x), ("t_x", rows.t_x), ("T", rows.T))
        }
        log_gaps = None if rows.log_gaps is None else np.zeros(size)
        folded = Histories(np.rint(mean["x"]), np.minimum(mean["t_x"], mean["T"]), mean["T"], None, log_gaps)
        return Compressed(folded, counts, cell[self.index], self.log_gaps_total)


def _distinct(h: Histories) -> tuple[Integers, Integers]:
    """(for each customer the number of their distinct row, for each distinct row one customer who has it)."""
    n = len(h)
    if h.covariates is None:
        key = _integer_key(h)
        if key is not None:
            size = int(key.max()) + 1
            if size <= max(_TABLE_LIMIT, 8 * n):
                holder = np.full(size, -1, dtype=np.int64)
                holder[key] = np.arange(n)
                present = np.flatnonzero(holder >= 0)
                first = holder[present]
                holder[present] = np.arange(len(present))
                return holder[key], first
            _, first, index = np.unique(key, return_index=True, return_inverse=True)
            return np.asarray(index, dtype=np.int64), np.asarray(first, dtype=np.int64)
    columns = {"x": h.x, "t": h.t_x, "T": h.T}
    if h.covariates is not None:
        columns |= {f"z{j}": h.covariates[:, j] for j in range(h.covariates.shape[1])}
    groups = (
        pl.DataFrame(columns)
        .with_row_index("i")
        .group_by(list(columns), maintain_order=True)
        .agg(pl.col("i"))
        .get_column("i")
    )
    first = groups.list.first().to_numpy().astype(np.int64)
    index = np.empty(n, dtype=np.int64)
    lengths = groups.list.len().to_numpy()
    index[groups.explode().to_numpy()] = np.repeat(np.arange(len(first)), lengths)
    return index, first


def _integer_key(h: Histories) -> Integers | None:
    """One exact integer per (x, t_x, T) where the times are whole, in units or in sevenths (weeks of days)."""
    top = float(h.T.max())
    for scale in (1.0, 7.0):
        T, t = h.T * scale, h.t_x * scale
        T_, t_ = np.rint(T), np.rint(t)
        if top * scale < 2**31 and np.array_equal(T, T_) and np.array_equal(t, t_):
            base, span = T_.min(), int(T_.max() - T_.min()) + 1
            width = int(t_.max()) + 1
            if float(h.x.max() + 1) * width * span < 2**62:
                x = h.x.astype(np.int64)
                return np.asarray((x * width + t_.astype(np.int64)) * span + (T_ - base).astype(np.int64))
    return None
