"""Customers into the room that portfolios have left: one after the other, each where they are worth most.

Belongs here: steps that change a plan of single customers, each of which keeps every capacity. Does not belong here: which plan
is best (`clientela.relationship.portfolio_programme`).

They look at a block of customers at a time, and one by one only at those of it for whom something can change.
"""

import numpy as np

from clientela.relationship.portfolio_problem import NOBODY, Customers, Floats, Integers, Portfolios, moves, room

#: customers who are looked at together
_BLOCK = 4096
#: how many of a portfolio's least, and of the best who wait, are tried for an exchange
_MAX_EXCHANGED = 200
_ROUNDING = 1e-9


def within_capacity(customers: Customers, portfolios: Portfolios, holder: Integers) -> Integers:
    """Holders without those for whom they have no room: of one who is too full they leave who bring least for their hours."""
    remaining = holder.copy()
    held = np.flatnonzero(holder != NOBODY)
    held = held[np.argsort(-customers.density[held], kind="stable")]
    for place, own in enumerate(portfolios.by_portfolio(holder, held)):
        fits = np.arange(1, len(own) + 1) <= portfolios.capacity[place]
        fits &= np.cumsum(customers.hours[own]) <= portfolios.capacity_hours[place] + _ROUNDING
        # the first who does not fit is the end: who comes after brings less
        first = len(own) if fits.all() else int(np.argmin(fits))
        remaining[own[first:]] = NOBODY
    return remaining


def fill(customers: Customers, portfolios: Portfolios, portfolio: Integers) -> Integers:
    """Everyone without a portfolio gets the best that still has room for them, the most valuable first; in place."""
    free, free_hours = room(customers, portfolios, portfolio)
    ranked, counts = portfolios.ranked()
    waiting = np.flatnonzero(portfolio == NOBODY)
    waiting = waiting[np.argsort(-customers.value[waiting], kind="stable")]
    for begin in range(0, len(waiting), _BLOCK):
        block = waiting[begin : begin + _BLOCK]
        kind, hours = customers.kind[block], customers.hours[block]
        places = ranked[kind]
        is_open = (free[places] >= 1) & (free_hours[places] >= hours[:, None] - _ROUNDING)
        is_open &= np.arange(places.shape[1]) < counts[kind][:, None]
        first = is_open.argmax(axis=1)
        # room only shrinks: who finds none at the block's begin finds none later
        found = is_open[np.arange(len(block)), first]
        block, kind, hours, first = block[found], kind[found], hours[found], first[found]
        chosen = ranked[kind, first]
        came = np.bincount(chosen, minlength=len(free))
        came_hours = np.bincount(chosen, weights=hours, minlength=len(free))
        if (came <= free).all() and (came_hours <= free_hours + _ROUNDING).all():
            portfolio[block] = chosen
            free, free_hours = free - came, free_hours - came_hours
            continue
        left, left_hours = free.tolist(), free_hours.tolist()
        for customer, needed, row, start, end in zip(
            block.tolist(), hours.tolist(), kind.tolist(), first.tolist(), counts[kind].tolist(), strict=True
        ):
            for rank in range(start, end):
                place = ranked.item(row, rank)
                if left[place] >= 1 and left_hours[place] >= needed - _ROUNDING:
                    portfolio[customer] = place
                    left[place] -= 1
                    left_hours[place] -= needed
                    break
        free, free_hours = np.array(left), np.array(left_hours)
    return portfolio


def improve(
    customers: Customers,
    portfolios: Portfolios,
    holder: Integers,
    portfolio: Integers,
    min_gain: float,
    max_moves: int | None,
) -> None:
    """Whoever is worth more where there is still room goes there, the most valuable first; in place."""
    free, free_hours = room(customers, portfolios, portfolio)
    ranked, counts = portfolios.ranked()
    moves_left = float("inf") if max_moves is None else max_moves - moves(holder, portfolio)
    order = np.argsort(-customers.value, kind="stable")
    for begin in range(0, len(order), _BLOCK):
        block = order[begin : begin + _BLOCK]
        kind, value, now = customers.kind[block], customers.value[block], portfolio[block]
        stays = (now != NOBODY) & (now == holder[block])
        had = np.where(now != NOBODY, value * portfolios.fit[kind, np.maximum(now, 0)], 0.0) + min_gain * stays
        places = np.flatnonzero(free >= 1)
        better = portfolios.fit[kind][:, places] * value[:, None] > had[:, None]
        better &= free_hours[places] >= customers.hours[block][:, None] - _ROUNDING
        for row in np.flatnonzero(better.any(axis=1) & ((moves_left > 0) | ~stays)).tolist():
            needed, is_held, own = customers.hours.item(block[row]), bool(stays[row]), now.item(row)
            for rank in range(counts[kind[row]]):
                place = ranked.item(kind[row], rank)
                if value[row] * portfolios.fit[kind[row], place] <= had[row]:
                    break
                if free[place] >= 1 and free_hours[place] >= needed - _ROUNDING and (moves_left > 0 or not is_held):
                    moves_left -= is_held
                    if own != NOBODY:
                        free[own] += 1
                        free_hours[own] += needed
                    free[place] -= 1
                    free_hours[place] -= needed
                    portfolio[block[row]] = place
                    break


def send_back(
    customers: Customers, portfolios: Portfolios, holder: Integers, portfolio: Integers, worth: Floats
) -> Integers:
    """No capacity exceeded: of those who came so many go back to their holder, or wait, as do not fit; the least worth first."""
    while True:
        free, free_hours = room(customers, portfolios, portfolio)
        full = np.flatnonzero((free < 0) | (free_hours < -1e-6))
        if not len(full):
            return portfolio
        for place in full.tolist():
            came = np.flatnonzero((portfolio == place) & (holder != place))
            came = came[np.argsort(worth[came], kind="stable")]
            gone = int(np.searchsorted(np.cumsum(customers.hours[came]), -free_hours[place] - 1e-6)) + 1
            gone = max(gone if free_hours[place] < -1e-6 else 0, int(max(-free[place], 0)))
            portfolio[came[:gone]] = holder[came[:gone]]


def exchange(customers: Customers, portfolios: Portfolios, holder: Integers, portfolio: Integers) -> None:
    """Hours that are left over let somebody who waits take the place of somebody who brings less; in place. Nobody who has or
    had a holder is touched."""
    _, free_hours = room(customers, portfolios, portfolio)
    fresh = holder == NOBODY
    inside = portfolios.by_portfolio(portfolio, np.flatnonzero((portfolio != NOBODY) & fresh))
    for place in np.flatnonzero(np.isfinite(portfolios.capacity_hours)).tolist():
        waiting = np.flatnonzero((portfolio == NOBODY) & fresh)
        waiting = waiting[portfolios.fit[customers.kind[waiting], place] > 0]
        if len(inside[place]) and len(waiting):
            _exchange(
                customers, portfolios.fit[:, place], (inside[place], waiting), free_hours.item(place), portfolio, place
            )


def _exchange(
    customers: Customers, fit: Floats, who: tuple[Integers, Integers], spare: float, portfolio: Integers, place: int
) -> None:
    """Of those inside the least, and of those who wait the best, by the hour. spare: hours that are left over."""
    by_hour = [customers.density[numbers] * fit[customers.kind[numbers]] for numbers in who]
    inside = who[0][np.argsort(by_hour[0], kind="stable")[:_MAX_EXCHANGED]]
    waiting = who[1][np.argsort(-by_hour[1], kind="stable")[:_MAX_EXCHANGED]]
    while True:
        worth = [customers.value[numbers] * fit[customers.kind[numbers]] for numbers in (inside, waiting)]
        more_hours = customers.hours[waiting] - customers.hours[inside][:, None]
        gain = np.where(more_hours <= spare, worth[1] - worth[0][:, None], 0.0)
        out, into = np.unravel_index(int(gain.argmax()), gain.shape)
        if gain[out, into] <= 0:
            return
        spare -= more_hours[out, into]
        leaves, comes = inside[out], waiting[into]
        portfolio[leaves], portfolio[comes] = NOBODY, place
        inside[out], waiting[into] = comes, leaves
