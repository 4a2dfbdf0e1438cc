"""Who is to be held by which portfolio, in numbers: customers, portfolios, and what is counted of them.

Belongs here: the shapes that the plan's parts share. Does not belong here: the plan
(`clientela.relationship.portfolio_assignment`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NOBODY = -1

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

    @property
    def density(self) -> Floats:
        """Value by the hour."""
        return self.value / np.maximum(self.hours, 1e-9)


@dataclass(frozen=True)
class Portfolios:
    """fit: kind × portfolio, what share of the value is had there; 0 where they may not be held. capacity in customers and
    hours, infinite where there is none."""

    fit: Floats
    capacity: Floats
    capacity_hours: Floats

    @property
    def count(self) -> int:
        return len(self.capacity)

    def ranked(self) -> tuple[Integers, Integers]:
        """Of each kind the portfolios that may hold it, the best first, and how many they are; what follows in a row is none."""
        counts = (self.fit > 0).sum(axis=1)
        order = np.argsort(-self.fit, axis=1, kind="stable")
        return order[:, : max(int(counts.max(initial=0)), 1)], counts

    def by_portfolio(self, portfolio: Integers, held: Integers) -> list[Integers]:
        """Of each portfolio those of `held` whom it holds, in their order. portfolio: of each customer."""
        ordered = held[np.argsort(portfolio[held], kind="stable")]
        return np.split(ordered, np.searchsorted(portfolio[ordered], np.arange(1, self.count)))


def room(customers: Customers, portfolios: Portfolios, portfolio: Integers) -> tuple[Floats, Floats]:
    """What each portfolio has left, customers and hours."""
    held = portfolio != NOBODY
    used = np.bincount(portfolio[held], minlength=portfolios.count)
    hours = np.bincount(portfolio[held], weights=customers.hours[held], minlength=portfolios.count)
    return portfolios.capacity - used, portfolios.capacity_hours - hours


def moves(holder: Integers, portfolio: Integers) -> int:
    """How many leave a holder that could keep them."""
    return int(((holder != NOBODY) & (portfolio != holder)).sum())
