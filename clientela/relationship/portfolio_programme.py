"""How many of each group of alike customers go to which portfolio: the linear programme, which HiGHS answers.

Belongs here: the groups, the programme and its answer, in shares of groups. Does not belong here: whole customers
(`clientela.relationship.portfolio_assignment`).
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from clientela.relationship.portfolio_problem import NOBODY, Customers, Floats, Integers, Portfolios

#: how many pairs of group and portfolio the linear programme may weigh; beyond it groups grow
MAX_PAIRS = 20_000
#: how many it weighs where kinds and holders alone make more
HARD_LIMIT = 250_000
#: a count and no time: the same night has the same plan on any machine
_MAX_ITERATIONS = 20_000


@dataclass(frozen=True)
class Shares:
    """What the linear programme says. group: of each customer. of_group, place, shares: of each pair its group, its portfolio
    and how many go there."""

    group: Integers
    of_group: Integers
    place: Integers
    shares: Floats


def shares_of_groups(
    customers: Customers, portfolios: Portfolios, holder: Integers, min_gain: float, max_moves: int | None
) -> Shares | None:
    """The most value, less `min_gain` for each who leaves `holder`; None where nobody may be held, or HiGHS has no answer."""
    group = _groups(customers, portfolios, holder)
    size = np.bincount(group)
    first = np.zeros(len(size), dtype=np.int64)
    first[group] = np.arange(len(group))
    value = np.bincount(group, weights=customers.value) / size
    hours = np.bincount(group, weights=customers.hours) / size
    of_group, place = _pairs(portfolios, customers.kind[first], holder[first])
    if not len(place):
        return None
    stays = place == holder[first][of_group]
    gain = value[of_group] * portfolios.fit[customers.kind[first][of_group], place] + min_gain * stays
    pairs, ones = np.arange(len(place)), np.ones(len(place))
    rows = [sparse.csr_matrix((ones, (of_group, pairs)), shape=(len(size), len(pairs)))]
    limits = [size.astype(float)]
    for weights, capacity in ((ones, portfolios.capacity), (hours[of_group], portfolios.capacity_hours)):
        is_limited = np.isfinite(capacity)
        rows.append(sparse.csr_matrix((weights, (place, pairs)), shape=(portfolios.count, len(pairs)))[is_limited])
        limits.append(capacity[is_limited])
    if max_moves is not None and bool(stays.any()):
        rows.append(sparse.csr_matrix(-stays.astype(float)))
        limits.append(np.array([float(max_moves) - float((holder != NOBODY).sum())]))
    # the interior point ends several times sooner than the simplex where much is worth the same
    answer = linprog(
        -gain, A_ub=sparse.vstack(rows, format="csr"), b_ub=np.concatenate(limits), method="highs-ipm",
        options={"maxiter": _MAX_ITERATIONS},
    )  # fmt: skip
    return None if answer.status != 0 or answer.x is None else Shares(group, of_group, place, answer.x)


def _pairs(portfolios: Portfolios, kind: Integers, holder: Integers) -> tuple[Integers, Integers]:
    """The groups and portfolios that are weighed together: all that may be, or of each group its holder and as many of the best
    as HARD_LIMIT leaves; of equals each group begins with another, so that all are weighed. kind, holder: of each group."""
    fits = portfolios.fit[kind]
    if int((fits > 0).sum()) > HARD_LIMIT:
        turn = (np.arange(portfolios.count) - 7 * np.arange(len(kind))[:, None]) % portfolios.count
        order = np.lexsort((turn, -fits), axis=1)
        kept = np.zeros(fits.shape, dtype=np.bool_)
        kept[np.arange(len(kind))[:, None], order[:, : max(HARD_LIMIT // len(kind), 2)]] = True
        kept[np.flatnonzero(holder != NOBODY), holder[holder != NOBODY]] = True
        fits = np.where(kept, fits, 0.0)
    of_group, place = np.nonzero(fits > 0)
    return of_group, place


def _groups(customers: Customers, portfolios: Portfolios, holder: Integers) -> Integers:
    """The group of each customer: those of one kind and holder, cut by value and hours as finely as MAX_PAIRS allows."""
    _, cell = np.unique(customers.kind * (portfolios.count + 1) + holder + 1, return_inverse=True)
    size = np.bincount(cell)
    first = np.zeros(len(size), dtype=np.int64)
    first[cell] = np.arange(len(cell))
    pairs = np.maximum((portfolios.fit > 0).sum(axis=1)[customers.kind[first]], 1)
    if (size * pairs).sum() <= MAX_PAIRS:
        return np.arange(len(cell), dtype=np.int64)
    slices = np.maximum(np.floor(size * MAX_PAIRS / (size * pairs).sum()), 1)
    by_hours = np.ones_like(slices)
    if np.isfinite(portfolios.capacity_hours).any():
        by_hours = np.maximum(np.floor(np.sqrt(slices)), 1)
    by_value = np.maximum(slices // by_hours, 1)
    band = _slice_of(cell, customers.value, by_value, size)
    stripe, width = cell * (int(by_value.max()) + 1) + band, int(by_hours.max()) + 1
    _, stripe, number = np.unique(stripe, return_inverse=True, return_counts=True)
    inner = _slice_of(stripe, customers.hours, by_hours[cell], number)
    _, group = np.unique(stripe * width + inner, return_inverse=True)
    return np.asarray(group, dtype=np.int64)


def _slice_of(cell: Integers, measure: Floats, slices: Floats, size: Integers) -> Integers:
    """Which of so many equally large slices of its cell each element is in, by its measure."""
    order = np.lexsort((measure, cell))
    starts = np.concatenate(([0], np.cumsum(size)[:-1]))
    rank = np.empty(len(cell), dtype=np.int64)
    rank[order] = np.arange(len(cell)) - starts[cell[order]]
    many = slices[cell] if len(slices) == len(size) else slices
    return np.asarray(np.floor(rank * many / size[cell]), dtype=np.int64)
