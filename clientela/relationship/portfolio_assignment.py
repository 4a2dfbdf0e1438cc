"""Which portfolio holds each customer: the most value that capacities allow, without moving people for little.

Belongs here: the plan, on numbers. Does not belong here: who may be held where and what a customer is worth there
(`clientela.relationship.portfolios`), and what is remembered.

It is a transport problem. Alike customers (of one kind, with one holder, of much the same value and hours) are one group; a
linear programme (`portfolio_programme`) says how many of each go where, and the people of a group are then named one by one. Each
step after that (`portfolio_filling`) keeps every capacity, and never lets more customers move than may. Rounding makes nobody
leave: all who stay are a plan that fits.
"""

from dataclasses import dataclass, replace

import numpy as np

from clientela.relationship.portfolio_filling import exchange, fill, improve, send_back, within_capacity
from clientela.relationship.portfolio_problem import NOBODY, Booleans, Customers, Integers, Portfolios, moves
from clientela.relationship.portfolio_programme import Shares, shares_of_groups


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
    if not portfolios.count or not len(customers.kind):
        return Plan(
            np.full(len(customers.kind), NOBODY, dtype=np.int64), np.zeros(len(customers.kind), dtype=bool), 0.0
        )
    # kinds that may be held alike are one
    fits, alike = np.unique(portfolios.fit, axis=0, return_inverse=True)
    customers, portfolios = replace(customers, kind=alike[customers.kind]), replace(portfolios, fit=fits)
    fit = portfolios.fit[customers.kind, np.maximum(customers.holder, 0)]
    holder = np.where((customers.holder >= 0) & (fit > 0), customers.holder, NOBODY)
    holder = within_capacity(customers, portfolios, holder)
    forced = (customers.holder != NOBODY) & (holder == NOBODY)
    plans = [fill(customers, portfolios, holder.copy())]
    solved = shares_of_groups(customers, portfolios, holder, min_gain, max_moves)
    if solved is not None:
        plans.append(_rounded(customers, portfolios, holder, solved, min_gain, max_moves))
    best = max(plans, key=lambda chosen: _value(customers, portfolios, chosen) - min_gain * moves(holder, chosen))
    return Plan(best, forced, _value(customers, portfolios, best))


def _value(customers: Customers, portfolios: Portfolios, portfolio: Integers) -> float:
    held = portfolio != NOBODY
    return float((customers.value[held] * portfolios.fit[customers.kind[held], portfolio[held]]).sum())


def _rounded(
    customers: Customers,
    portfolios: Portfolios,
    holder: Integers,
    solved: Shares,
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
    portfolio = send_back(customers, portfolios, holder, portfolio, customers.density)
    improve(customers, portfolios, holder, portfolio, min_gain, max_moves)
    fill(customers, portfolios, portfolio)
    exchange(customers, portfolios, holder, portfolio)
    return fill(customers, portfolios, portfolio)
