"""From orders with an amount to order lines: products, discounts, tax, cost, currencies, returns, to the cent.

All amounts are whole cents. The till's prices include tax, so its net is what remains when the tax is taken out, rounded
half to even as the contract says; the web shop's do not. Column names and formats of the files stand in `systems`.
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from clientela.simulate.catalogue import CATEGORIES, PLANS, PRODUCTS_PER_CATEGORY, RATE_SCALE, Catalogue
from clientela.simulate.streams import Floats, Ints, skewed, weighted

_MOST_LINES = 9
_RETURNED = 0.045
#: share of lines that are of the customer's favourite category
_AT_EASE = 0.55
_DISCOUNTS = np.array([0, 5, 10, 15, 20, 30], dtype=np.int64)
_DISCOUNT_WEIGHTS = (80, 5, 6, 3, 4, 2)


@dataclass(frozen=True)
class Orders:
    """Orders of one system in order of time. `place` is the record's place there, -1 for a sale without a customer."""

    person: Ints
    place: Ints
    at: Floats
    #: net amount aimed at, company currency
    amount: Floats
    #: campaign whose code was used, -1 for none; and the one that truly caused the order
    coupon: Ints
    cause: Ints
    #: index of the currency; always 0 at the till
    currency: Ints
    #: millionths of company currency per unit (RATE_SCALE), on the day
    rate: Ints
    #: place in PLANS of a subscription's charge, -1 for a purchase
    plan: Ints
    #: order that this one returns, by place in this table; -1 for a sale
    returns: Ints

    def of(self, rows: Ints) -> "Orders":
        return Orders(*(getattr(self, column.name)[rows] for column in fields(self)))


@dataclass(frozen=True)
class Lines:
    """Order lines; amounts in cents of the order's currency, negative for returns. `gross` and `net` as the system prints
    them (with tax at the till); `pure_net` and `tax` are the contract's; `company_net` is converted."""

    order: Ints
    number: Ints
    product: Ints
    quantity: Ints
    gross: Ints
    net: Ints
    tax: Ints
    cost: Ints
    pure_net: Ints
    company_net: Ints
    company_cost: Ints


def half_even(numerator: Ints, denominator: Ints | int) -> Ints:
    """numerator / denominator rounded half to even, exactly; for numerators ≥ 0."""
    quotient = numerator // denominator
    twice = 2 * (numerator - quotient * denominator)
    rounded: Ints = quotient + ((twice > denominator) | ((twice == denominator) & (quotient % 2 == 1)))
    return rounded


def with_returns(orders: Orders, rng: np.random.Generator, days: float) -> Orders:
    """Some sales come back within a month: their first line, as an order of its own. Sorted by time again."""
    n = len(orders.at)
    back = np.flatnonzero((rng.random(n) < _RETURNED) & (orders.plan < 0))
    when = orders.at[back] + 2 + 26 * rng.random(len(back))
    back, when = back[when < days], when[when < days]
    every = np.concatenate([np.arange(n, dtype=np.int64), back])
    at = np.concatenate([orders.at, when])
    returns = np.concatenate([orders.returns, back])
    sequence = np.argsort(at, kind="stable")
    now = np.empty(len(at), dtype=np.int64)
    now[sequence] = np.arange(len(at))
    returns = np.where(returns >= 0, now[np.maximum(returns, 0)], -1)
    return replace(orders.of(every[sequence]), at=at[sequence], returns=returns[sequence])


def line_counts(orders: int, rng: np.random.Generator) -> Ints:
    """How many lines each of so many orders has."""
    counts: Ints = 1 + np.minimum(rng.poisson(1.75, orders), _MOST_LINES - 1)
    return counts


def draw_categories(favourite: Ints, rng: np.random.Generator) -> Ints:
    """The category of each line, whose customer's favourite is given: often that one, else by how popular each is."""
    at_ease = rng.random(len(favourite)) < _AT_EASE
    return np.where(at_ease, favourite, skewed(rng, len(CATEGORIES), len(favourite), 6.0))


def fill(
    orders: Orders, favourite: Ints, catalogue: Catalogue, rng: np.random.Generator, *, includes_tax: bool
) -> Lines:
    """The lines of all orders, in order. `favourite`: each order's favourite category."""
    is_sale = orders.returns < 0
    sold = np.flatnonzero(is_sale)
    count = np.where(orders.plan[sold] >= 0, 1, line_counts(len(sold), rng))
    first = np.cumsum(count) - count
    order = np.repeat(np.arange(len(sold), dtype=np.int64), count)
    n = len(order)
    weight = rng.standard_exponential(n) + 0.25
    total = np.add.reduceat(weight, first) if n else weight
    target = orders.amount[sold][order] * weight / total[order]
    plan = orders.plan[sold][order]
    category = draw_categories(favourite[sold][order], rng)
    product = category * PRODUCTS_PER_CATEGORY + skewed(rng, PRODUCTS_PER_CATEGORY, n, 5.0)
    product = np.where(plan >= 0, catalogue.first_plan + plan, product)
    quantity = np.where(plan >= 0, 1, 1 + weighted(rng, (70, 17, 8, 5), n))
    percent = np.where(plan >= 0, 0, _DISCOUNTS[weighted(rng, _DISCOUNT_WEIGHTS, n)])
    tax_percent = catalogue.tax_percent[product]
    cents = target * 100 * RATE_SCALE / orders.rate[sold][order]
    if includes_tax:
        net = np.maximum(np.rint(cents * (100 + tax_percent) / 100).astype(np.int64), 1)
        tax = half_even(net * tax_percent, 100 + tax_percent)
        pure_net = net - tax
    else:
        net = pure_net = np.maximum(np.rint(cents).astype(np.int64), 1)
        tax = half_even(net * tax_percent, 100)
    gross = np.rint(net * 100 / (100 - percent)).astype(np.int64)
    cost_rate = (1 - catalogue.margin[product]) * rng.uniform(0.95, 1.05, n)
    cost = np.rint(pure_net * cost_rate).astype(np.int64)
    start, sign, length = (
        np.empty(len(orders.at), dtype=np.int64),
        np.where(is_sale, 1, -1),
        np.ones(len(orders.at), dtype=np.int64),
    )
    start[sold], length[sold] = first, count
    start[~is_sale] = start[orders.returns[~is_sale]]
    final = np.repeat(np.arange(len(orders.at), dtype=np.int64), length)
    number = np.arange(len(final), dtype=np.int64) - np.repeat(np.cumsum(length) - length, length)
    base = start[final] + number
    signs = sign[final]

    def signed(values: Ints) -> Ints:
        line: Ints = values[base] * signs
        return line

    def converted(values: Ints) -> Ints:
        # at the rate of the day of the order or of its return
        return (
            values[base] * signs if includes_tax else half_even(values[base] * orders.rate[final], RATE_SCALE) * signs
        )

    return Lines(
        order=final,
        number=number + 1,
        product=product[base],
        quantity=signed(quantity),
        gross=signed(gross),
        net=signed(net),
        tax=signed(tax),
        cost=signed(cost),
        pure_net=signed(pure_net),
        company_net=converted(pure_net),
        company_cost=converted(cost),
    )


def plan_amounts() -> Floats:
    """Monthly amount of each plan, company currency."""
    return np.array([cents / 100 for _, cents in PLANS])
