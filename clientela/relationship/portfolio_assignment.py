"""Which portfolio holds each customer: the most value that capacities allow, without moving people for little.

Belongs here: the arithmetic, on numbers. Does not belong here: who may be held where and what a customer is worth there
(`clientela.relationship.portfolios`), and what is remembered.

It is a transport problem. Alike customers (of one kind, with one holder, of much the same value and hours) are one group; HiGHS
says how many of each go where, and the people of a group are then named one by one. Every step after that keeps every
capacity, and never lets more customers move than may. Rounding makes nobody leave: all who stay are a plan that fits.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

#: how many pairs of group and portfolio the linear programme may weigh; beyond it groups grow
MAX_PAIRS = 20_000
NOBODY = -1
#: how many of a portfolio's least, and of the best who wait, are tried for an exchange
MAX_EXCHANGED = 200

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Customers:
    """One element per customer. kind: a row of `Portfolios.fit`. value: at least 0. hours: in a year, at least 0. holder: the
    portfolio that holds them, or NOBODY."""

    kind: Integers
    value: Floats
    hours: Floats
    holder: Integers


@dataclass(frozen=True)
class Portfolios:
    """fit: kind × portfolio, what share of the value is had there; 0 where they may not be held. capacity in customers and
    hours, infinite where there is none."""

    fit: Floats
    capacity: Floats
    capacity_hours: Floats


@dataclass(frozen=True)
class Plan:
    """portfolio: of each customer, or NOBODY. forced: they had to leave their holder, who may not hold them or has no room.
    value: the sum of value × fit."""

    portfolio: Integers
    forced: Booleans
    value: float


def assign(customers: Customers, portfolios: Portfolios, min_gain: float = 0.0, max_moves: int | None = None) -> Plan:
    """The plan of most value, less `min_gain` for each customer who leaves a holder that could keep them.

    max_moves: how many may leave so; None: any number. Who is forced to leave is outside it. It is never worth less than
    keeping everyone and giving each of the others, the most valuable first, the best place that is left.
    """
    if not len(portfolios.capacity) or not len(customers.kind):
        return Plan(
            np.full(len(customers.kind), NOBODY, dtype=np.int64), np.zeros(len(customers.kind), dtype=bool), 0.0
        )
    fit = portfolios.fit[customers.kind, np.maximum(customers.holder, 0)]
    holder = np.where((customers.holder >= 0) & (fit > 0), customers.holder, NOBODY)
    holder = _within_capacity(customers, portfolios, holder)
    forced = (customers.holder != NOBODY) & (holder == NOBODY)
    kept = _filled(customers, portfolios, holder.copy())
    solved = _solved(customers, portfolios, holder, min_gain, max_moves)
    plans = [kept]
    if solved is not None:
        plans.append(_rounded(customers, portfolios, holder, solved, min_gain, max_moves))
    best = max(plans, key=lambda chosen: _value(customers, portfolios, chosen) - min_gain * _moves(holder, chosen))
    return Plan(best, forced, _value(customers, portfolios, best))


def _value(customers: Customers, portfolios: Portfolios, portfolio: Integers) -> float:
    held = portfolio != NOBODY
    return float((customers.value[held] * portfolios.fit[customers.kind[held], portfolio[held]]).sum())


def _moves(holder: Integers, portfolio: Integers) -> int:
    return int(((holder != NOBODY) & (portfolio != holder)).sum())


def _within_capacity(customers: Customers, portfolios: Portfolios, holder: Integers) -> Integers:
    """Holders without those for whom they have no room: of one who is too full they leave who bring least for their hours."""
    density = customers.value / np.maximum(customers.hours, 1e-9)
    order = np.lexsort((-density, holder))
    order = order[holder[order] != NOBODY]
    remaining = holder.copy()
    for place in np.unique(holder[order]):
        own = order[holder[order] == place]
        fits = np.arange(1, len(own) + 1) <= portfolios.capacity[place]
        fits &= np.cumsum(customers.hours[own]) <= portfolios.capacity_hours[place] + 1e-9
        # the first who does not fit is the end: who comes after brings less
        first = len(own) if fits.all() else int(np.argmin(fits))
        remaining[own[first:]] = NOBODY
    return remaining


def _room(customers: Customers, portfolios: Portfolios, portfolio: Integers) -> tuple[Floats, Floats]:
    """What each portfolio has left, customers and hours."""
    held = portfolio != NOBODY
    count = len(portfolios.capacity)
    used = np.bincount(portfolio[held], minlength=count)
    hours = np.bincount(portfolio[held], weights=customers.hours[held], minlength=count)
    return portfolios.capacity - used, portfolios.capacity_hours - hours


def _filled(customers: Customers, portfolios: Portfolios, portfolio: Integers) -> Integers:
    """Everyone without a portfolio gets the best that still has room for them, the most valuable first."""
    free, free_hours = (list(left) for left in _room(customers, portfolios, portfolio))
    ranked = [[int(p) for p in np.argsort(-row, kind="stable") if row[p] > 0] for row in portfolios.fit]
    waiting = np.flatnonzero(portfolio == NOBODY)
    waiting = waiting[np.argsort(-customers.value[waiting], kind="stable")]
    for customer, kind, hours in zip(
        waiting.tolist(), customers.kind[waiting].tolist(), customers.hours[waiting].tolist(), strict=True
    ):
        for place in ranked[kind]:
            if free[place] >= 1 and free_hours[place] >= hours - 1e-9:
                portfolio[customer] = place
                free[place] -= 1
                free_hours[place] -= hours
                break
    return portfolio


def _groups(customers: Customers, portfolios: Portfolios, holder: Integers) -> Integers:
    """The group of each customer: those of one kind and holder, cut by value and hours as finely as MAX_PAIRS allows."""
    count = len(portfolios.capacity)
    _, cell = np.unique(customers.kind * (count + 1) + holder + 1, return_inverse=True)
    size = np.bincount(cell)
    first = np.zeros(len(size), dtype=np.int64)
    first[cell] = np.arange(len(cell))
    pairs = np.maximum((portfolios.fit[customers.kind[first]] > 0).sum(axis=1), 1)
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


@dataclass(frozen=True)
class _Solved:
    """What the linear programme says. group: of each customer. of_group, place, shares: of each pair its group, its portfolio
    and how many go there. price, hour_price: what a place and an hour of each portfolio are worth; move_price: one more move."""

    group: Integers
    of_group: Integers
    place: Integers
    shares: Floats
    price: Floats
    hour_price: Floats
    move_price: float


def _solved(
    customers: Customers, portfolios: Portfolios, holder: Integers, min_gain: float, max_moves: int | None
) -> _Solved | None:
    """The linear programme of groups, or None where nobody may be held, or HiGHS has no answer."""
    group = _groups(customers, portfolios, holder)
    size = np.bincount(group)
    count = len(portfolios.capacity)
    first = np.zeros(len(size), dtype=np.int64)
    first[group] = np.arange(len(group))
    value = np.bincount(group, weights=customers.value) / size
    hours = np.bincount(group, weights=customers.hours) / size
    fits = portfolios.fit[customers.kind[first]]
    of_group, place = np.nonzero(fits > 0)
    if not len(place):
        return None
    stays = place == holder[first][of_group]
    gain = value[of_group] * fits[of_group, place] + min_gain * stays
    pairs, ones = np.arange(len(place)), np.ones(len(place))
    rows = [sparse.csr_matrix((ones, (of_group, pairs)), shape=(len(size), len(pairs)))]
    limits = [size.astype(float)]
    for weights, capacity in ((ones, portfolios.capacity), (hours[of_group], portfolios.capacity_hours)):
        rows.append(sparse.csr_matrix((weights, (place, pairs)), shape=(count, len(pairs))))
        limits.append(np.where(np.isfinite(capacity), capacity, 1e12))
    if is_capped := max_moves is not None and bool(stays.any()):
        rows.append(sparse.csr_matrix(-stays.astype(float)))
        limits.append(np.array([float(max_moves or 0) - float((holder != NOBODY).sum())]))
    answer = linprog(-gain, A_ub=sparse.vstack(rows, format="csr"), b_ub=np.concatenate(limits), method="highs")
    if answer.x is None:
        return None
    prices = np.maximum(-answer.ineqlin.marginals, 0)[len(size) :]
    return _Solved(
        group,
        of_group,
        place,
        answer.x,
        prices[:count],
        prices[count : 2 * count],
        float(prices[-1]) if is_capped else 0.0,
    )


def _rounded(
    customers: Customers,
    portfolios: Portfolios,
    holder: Integers,
    solved: _Solved,
    min_gain: float,
    max_moves: int | None,
) -> Integers:
    """The people behind the shares: whole customers, each capacity kept."""
    group, of_group, place, shares = solved.group, solved.of_group, solved.place, solved.shares
    portfolio = np.full(len(group), NOBODY, dtype=np.int64)
    whole = np.floor(shares + 1e-6).astype(np.int64)
    # of a group the most valuable go where they fit best
    order = np.lexsort((-customers.value, group))
    starts = np.searchsorted(group[order], np.arange(int(group.max(initial=-1)) + 1))
    fits = portfolios.fit[customers.kind[order[starts[of_group]]], place]
    by_fit = np.lexsort((-fits, of_group))
    by_fit = by_fit[whole[by_fit] > 0]
    taken = starts.copy()
    for pair in by_fit.tolist():
        begins = taken[of_group[pair]]
        taken[of_group[pair]] = begins + whole[pair]
        portfolio[order[begins : begins + whole[pair]]] = place[pair]
    # what was cut off by rounding stays with its holder
    left = order[np.arange(len(order)) >= taken[group[order]]]
    rest = shares - whole
    cut = np.bincount(of_group, weights=rest, minlength=len(starts))[group[left]] > 1e-6
    portfolio[left[cut]] = holder[left[cut]]
    density = customers.value / np.maximum(customers.hours, 1e-9)
    portfolio = _fitting(customers, portfolios, holder, portfolio, density)
    _improve(customers, portfolios, holder, portfolio, min_gain, max_moves)
    portfolio = _filled(customers, portfolios, portfolio)
    for number in range(len(portfolios.capacity)):
        _exchange(customers, portfolios, holder, portfolio, number)
    return _filled(customers, portfolios, portfolio)


def _exchange(customers: Customers, portfolios: Portfolios, holder: Integers, portfolio: Integers, place: int) -> None:
    """Hours that are left over let somebody who waits take the place of somebody who brings less; in place. Nobody who has or
    had a holder is touched."""
    if not np.isfinite(portfolios.capacity_hours[place]):
        return
    worth = customers.value * portfolios.fit[customers.kind, place]
    density = worth / np.maximum(customers.hours, 1e-9)
    _, free_hours = _room(customers, portfolios, portfolio)
    spare = free_hours[place]
    fresh = holder == NOBODY
    inside = np.flatnonzero((portfolio == place) & fresh)
    inside = inside[np.argsort(density[inside], kind="stable")][:MAX_EXCHANGED]
    waiting = np.flatnonzero((portfolio == NOBODY) & fresh & (worth > 0))
    waiting = waiting[np.argsort(-density[waiting], kind="stable")][:MAX_EXCHANGED]
    while len(inside) and len(waiting):
        more_hours = customers.hours[waiting] - customers.hours[inside][:, None]
        gain = np.where(more_hours <= spare, worth[waiting] - worth[inside][:, None], 0.0)
        out, into = np.unravel_index(int(gain.argmax()), gain.shape)
        if gain[out, into] <= 0:
            return
        spare -= more_hours[out, into]
        leaves, comes = inside[out], waiting[into]
        portfolio[leaves], portfolio[comes] = NOBODY, place
        inside[out], waiting[into] = comes, leaves


def _improve(
    customers: Customers,
    portfolios: Portfolios,
    holder: Integers,
    portfolio: Integers,
    min_gain: float,
    max_moves: int | None,
) -> None:
    """Whoever is worth more where there is still room goes there, the most valuable first; in place."""
    free, free_hours = (list(left) for left in _room(customers, portfolios, portfolio))
    ranked = [[int(p) for p in np.argsort(-row, kind="stable") if row[p] > 0] for row in portfolios.fit]
    moves_left = float("inf") if max_moves is None else max_moves - _moves(holder, portfolio)
    for customer in np.argsort(-customers.value, kind="stable").tolist():
        value, hours, now = customers.value[customer], customers.hours[customer], int(portfolio[customer])
        fits = portfolios.fit[customers.kind[customer]]
        stays = now != NOBODY and now == holder[customer]
        had = (value * fits[now] if now != NOBODY else 0.0) + min_gain * stays
        for place in ranked[customers.kind[customer]]:
            if value * fits[place] <= had:
                break
            if free[place] >= 1 and free_hours[place] >= hours - 1e-9 and (moves_left > 0 or not stays):
                moves_left -= stays
                if now != NOBODY:
                    free[now] += 1
                    free_hours[now] += hours
                free[place] -= 1
                free_hours[place] -= hours
                portfolio[customer] = place
                break


def _fitting(
    customers: Customers, portfolios: Portfolios, holder: Integers, portfolio: Integers, worth: Floats
) -> Integers:
    """No capacity exceeded: of those who came so many go back to their holder, or wait, as do not fit; the least worth first."""
    while True:
        free, free_hours = _room(customers, portfolios, portfolio)
        full = np.flatnonzero((free < 0) | (free_hours < -1e-6))
        if not len(full):
            return portfolio
        for place in full.tolist():
            came = np.flatnonzero((portfolio == place) & (holder != place))
            came = came[np.argsort(worth[came], kind="stable")]
            gone = int(np.searchsorted(np.cumsum(customers.hours[came]), -free_hours[place] - 1e-6)) + 1
            gone = max(gone if free_hours[place] < -1e-6 else 0, int(max(-free[place], 0)))
            portfolio[came[:gone]] = holder[came[:gone]]
