"""What customers bought of each item, day by day, as arrays that offers are learnt from.

Belongs here: the order of the arrays, and what was known of customers, items and pairs of them on a day. Does not belong here:
what is made of it (`clientela.relationship.offer_model`).

Days are numbers; a day's figures are made of rows up to that day alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
Flags = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

#: the day of what was never bought
NEVER = np.iinfo(np.int32).max
#: numbers that a table of customers by items may hold at a time
_CELLS = 4_000_000


@dataclass(frozen=True)
class PurchasePairs:
    """Purchase days by customer, item and day; the rows of a customer and an item are a pair."""

    customers: int
    items: int
    customer: Ints
    item: Ints
    day: Ints
    #: of each purchase day, in the company's currency
    net: Floats
    contribution: Floats
    #: of each pair, its first row
    start: Ints = field(init=False)
    #: of each customer and day on which they bought anything
    visit_customer: Ints = field(init=False)
    visit_day: Ints = field(init=False)

    def __post_init__(self) -> None:
        is_first = np.ones(len(self.customer), dtype=np.bool_)
        is_first[1:] = (np.diff(self.customer) != 0) | (np.diff(self.item) != 0)
        object.__setattr__(self, "start", np.flatnonzero(is_first))
        days = int(self.day.max()) + 1 if len(self.day) else 1
        visits = np.unique(self.customer * days + self.day)
        object.__setattr__(self, "visit_customer", visits // days)
        object.__setattr__(self, "visit_day", visits % days)

    @property
    def pair_customer(self) -> Ints:
        return self.customer[self.start]

    @property
    def pair_item(self) -> Ints:
        return self.item[self.start]

    @property
    def first_day(self) -> Ints:
        """Of each pair, the day of its first purchase."""
        return self.day[self.start]

    def counted(self, flags: Flags) -> Ints:
        """Of each pair, its rows that are flagged."""
        return np.add.reduceat(flags.astype(np.int64), self.start) if len(self.start) else np.zeros(0, dtype=np.int64)

    def customer_sums(self, customers: Ints) -> Ints:
        return np.bincount(customers, minlength=self.customers).astype(np.int64)

    def item_sums(self, items: Ints, weights: np.ndarray | None = None) -> Floats:
        return np.bincount(items, weights=weights, minlength=self.items).astype(np.float64)

    def visits(self, day: int, since: int) -> tuple[Ints, Ints, Ints]:
        """Of each customer: days with a purchase up to the day, those after `since` among them, days since the last."""
        known = self.visit_day <= day
        who, when = self.visit_customer[known], self.visit_day[known]
        last = np.full(self.customers, -1, dtype=np.int64)
        last[who] = when  # in order of days: the last one stays
        silent = np.where(last < 0, NEVER, day - last)
        return self.customer_sums(who), self.customer_sums(who[when > since]), silent

    def blocks(self, sampled: int = 0) -> Iterator["Block"]:
        """Customers by the block, each with the first day of each item; at most so many evenly chosen ones, all where 0."""
        step = max(-(-self.customers // sampled), 1) if sampled else 1
        chosen = np.arange(0, self.customers, step, dtype=np.int64)
        place = np.full(self.customers, -1, dtype=np.int64)
        size = max(_CELLS // max(self.items, 1), 1)
        who, item, first = self.pair_customer, self.pair_item, self.first_day
        for begin in range(0, len(chosen), size):
            customers = chosen[begin : begin + size]
            place[customers] = np.arange(len(customers))
            low, high = np.searchsorted(who, [customers[0], customers[-1] + 1])
            pairs = np.arange(low, high, dtype=np.int64)
            pairs = pairs[place[who[pairs]] >= 0]
            days = np.full((len(customers), self.items), NEVER, dtype=np.int64)
            days[place[who[pairs]], item[pairs]] = first[pairs]
            yield Block(customers, pairs, place[who[pairs]], item[pairs], days)
            place[customers] = -1


@dataclass(frozen=True)
class Block:
    """Some customers: the pairs that are theirs, and where each stands in a table of these customers by all items."""

    customers: Ints
    pairs: Ints
    row: Ints
    column: Ints
    #: day of the first purchase, NEVER where there is none
    first: Ints

    def spread(self, values: np.ndarray, otherwise: float) -> Floats:
        """A value of each pair of the history, as a table."""
        table = np.full(self.first.shape, otherwise)
        table[self.row, self.column] = values[self.pairs]
        return table


def purchase_pairs(rows: pl.DataFrame, customers: int, items: int) -> PurchasePairs:
    """rows: customer, item (numbers from 0), day, net_amount, contribution; several of one day are added up."""
    customer, item, day = (rows[name].to_numpy().astype(np.int64) for name in ("customer", "item", "day"))
    length = int(day.max()) + 1 if len(day) else 1
    place = (customer * items + item) * length + day
    order = np.argsort(place, kind="stable")
    place = place[order]
    first = np.flatnonzero(np.concatenate([[True], np.diff(place) != 0])) if len(place) else np.zeros(0, dtype=np.int64)
    net, contribution = (
        np.add.reduceat(rows[name].to_numpy().astype(np.float64)[order], first) if len(first) else np.zeros(0)
        for name in ("net_amount", "contribution")
    )
    kept = order[first]
    return PurchasePairs(customers, items, customer[kept], item[kept], day[kept], net, contribution)
