"""What lies around expected orders and money: stated distributions in closed form, of one customer and of a group.

What belongs here: dispersion and common error learnt at rolling origins, and the quantiles that follow. What does not: the means
(combining.py), how many orders one customer places (order_counts.py).

Dispersion is that of negative binomial orders with mean m and variance m + phi m^2, ln phi a straight line in ln m. Two errors
of a group are kept apart: chance, which is independent between customers, and an error of level that all customers share, so

    variance of the group = sum(m + phi' m^2) + (tau^2 + omega^2) M^2,    M = sum(m),

phi' the one that squared errors show, omega the error of a group's share in the total (0 for a group that has nothing in
common). Since tau is learnt from few origins, the levels of P10 and P90 are those of a t distribution.
Money is zero where no order comes, else gamma with the moments of that many orders, from 0 on, or from as far below as the
company's orders are expected to lose; groups whose single orders brought less than nothing are normal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import gammainc, gammaincinv, gammaln, nbdtrik, ndtr, ndtri, stdtrit

from clientela.lifetime.arrays import Floats, Integers
from clientela.lifetime.order_counts import OrderCounts

LEVELS = (0.1, 0.5, 0.9)
TAU0 = 0.05  # the error of level of a company of which nothing is known, in logarithms; stated, never fitted
_TAU0_LOOKS = 2.0
_FARTHEST = 3.0  # an origin's error is taken to grow with the horizon at most so many times
_LEAST = 1e-9


@dataclass(frozen=True)
class Spread:
    """What is learnt for one horizon. dispersion: (intercept, slope) of ln phi in ln m, of a customer; dispersion_of_sums: the
    one phi that their squared errors show, of groups; tau: common error of level, omega: error of a tenth's share, both in
    logarithms; degrees: of the t distribution."""

    dispersion: tuple[float, float] = (0.0, 0.0)
    dispersion_of_sums: float = 1.0
    tau: float = TAU0
    omega: float = 0.0
    degrees: float = _TAU0_LOOKS

    def phi(self, mean: Floats) -> Floats:
        """phi of each mean."""
        a, b = self.dispersion
        return np.asarray(np.exp(np.clip(a + b * np.log(np.maximum(mean, _LEAST)), -12.0, 12.0)))

    def counts(self, mean: Floats, none: Floats | None = None) -> OrderCounts:
        """How many orders customers place, of this mean; none: their P(no order) where it is published."""
        return OrderCounts.of(mean, self.phi(mean), none)

    def tail_levels(self, common: Floats, variance: Floats) -> tuple[Floats, Floats, Floats]:
        """The levels of a normal at which the t distribution has its P10, P50 and P90. common: what of each group's variance
        is the error of level; where it is little the degrees are many (Satterthwaite 1946)."""
        share = np.maximum(common, _LEAST * variance) / np.maximum(variance, _LEAST)
        low = np.asarray(ndtr(stdtrit(np.minimum(self.degrees / share**2, 1e6), LEVELS[0])), dtype=np.float64)
        return low, np.full_like(low, 0.5), 1 - low


def learn_spread(
    actual: Sequence[Floats], expected: Sequence[Floats], level: float, looks: float, stretch: float
) -> Spread:
    """From the forecasts of each origin, before the level was taken off, and what came. looks: Combination.looks; stretch:
    the horizon over the days of the origins."""
    errors = [np.log(max(m.sum(), 0.5) / max(y.sum(), 0.5)) for y, m in zip(actual, expected, strict=True)]
    levelled = [m * np.exp(-error) for m, error in zip(expected, errors, strict=True)]
    y, m = np.concatenate(actual), np.maximum(np.concatenate(levelled), _LEAST)
    dispersion = _dispersion(y, m)
    of_sums = max(float(((y - m) ** 2 - m).sum()) / max(float((m**2).sum()), _LEAST), 0.0)
    base = Spread(dispersion, of_sums)
    chance = [float(_chance(base, m).sum()) / max(float(m.sum()), 0.5) ** 2 for m in levelled]
    tau = tau_of(errors, level, chance, looks, stretch, grown=unseen(looks))
    return Spread(dispersion, of_sums, tau, _omega(base, actual, levelled), _TAU0_LOOKS + looks)


def unseen(looks: float) -> float:
    """How many times larger the squared error of a coming period is than that of the origins, whose level was learnt from them.

    With errors b + e, b and each e of variance v, and k/(k+1) of their mean taken off: k v / (k + 1) is left of what was seen,
    and (k + 2) v / (k + 1) is to be expected of what comes.
    """
    return (looks + 2) / looks


def tau_of(
    errors: Sequence[float], level: float, chance: Sequence[float], looks: float, stretch: float, *, grown: float = 1.0
) -> float:
    """The common error of level: what origins show beyond chance, and TAU0 as if seen _TAU0_LOOKS times. errors: of each
    origin ln(expected / actual); level: what is taken off it; chance: of each, the variance that chance explains; grown:
    unseen() where the level was learnt from the same errors."""
    seen = max(float(np.mean([(e - level) ** 2 - c for e, c in zip(errors, chance, strict=True)])), 0.0)
    seen *= min(max(stretch, 1.0), _FARTHEST) * grown
    return float(np.sqrt((_TAU0_LOOKS * TAU0**2 + looks * seen) / (_TAU0_LOOKS + looks)))


def _chance(spread: Spread, mean: Floats) -> Floats:
    """What customers add to the variance of a group's orders."""
    return np.asarray(mean + spread.dispersion_of_sums * mean**2)


def _dispersion(y: Floats, m: Floats) -> tuple[float, float]:
    """The line of greatest likelihood, over at most some thousands of customers."""
    if y.sum() < 10:
        return 0.0, 0.0
    step = max(1, len(y) // 20_000)
    y, m = y[::step], m[::step]
    ln_m = np.log(m)

    def loss(line: Floats) -> float:
        size: Floats = np.exp(-np.clip(line[0] + line[1] * ln_m, -8.0, 8.0))
        value = gammaln(y + size) - gammaln(size) - (y + size) * np.log1p(m / size) + y * (ln_m - np.log(size))
        return -float(value.mean()) + 1e-4 * float(line @ line)

    found = minimize(  # type: ignore[call-overload]
        loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 0.01, "fatol": 1e-6, "maxiter": 200}
    )
    return float(np.clip(found.x[0], -8, 8)), float(np.clip(found.x[1], -2, 2))


def _omega(base: Spread, actual: Sequence[Floats], levelled: Sequence[Floats]) -> float:
    """How far tenths by expected orders lie from their share beyond what chance explains, in logarithms."""
    excess: list[float] = []
    for y, m in zip(actual, levelled, strict=True):
        tenths = np.array_split(np.argsort(-m, kind="stable"), 10)
        for members in tenths:
            total = float(m[members].sum())
            if total >= 5:
                chance = float(_chance(base, m[members]).sum()) / total**2
                excess.append((float(y[members].sum()) / total - 1) ** 2 - chance)
    return float(np.sqrt(max(float(np.mean(excess)), 0.0))) if excess else 0.0


def _negative_binomial(level: float | Floats, mean: Floats, size: Floats) -> Floats:
    """The k, between whole numbers, at which the distribution function reaches the level; 0 where it begins above it."""
    p = size / (size + mean)
    at_zero = p**size >= level
    found = nbdtrik(level, size, p)
    return np.where(at_zero | ~np.isfinite(found), 0.0, np.maximum(found, 0.0))


def group_sum(values: Floats, codes: Integers, size: int) -> Floats:
    """Sums by group."""
    return np.asarray(np.bincount(codes, weights=values, minlength=size), dtype=np.float64)


def group_order_quantiles(mean: Floats, codes: Integers, size: int, spread: Spread, *, has_shape: bool) -> Floats:
    """(3, groups): P10, P50 and P90 of the groups' orders. has_shape: tenths and the like, whose share may be wrong too."""
    total = np.maximum(group_sum(mean, codes, size), _LEAST)
    common = (spread.tau**2 + (spread.omega**2 if has_shape else 0.0)) * total**2
    variance = group_sum(_chance(spread, mean), codes, size) + common
    shape = total**2 / np.maximum(variance - total, 1e-9 * total**2)
    return np.stack([_negative_binomial(level, total, shape) for level in spread.tail_levels(common, variance)])


@dataclass(frozen=True)
class OrderWorth:
    """What an order brings, per customer: its mean, its variance around the customer's own mean, and the variance of that
    mean; is_bounded: no order ever brought less than nothing; loss: what an order of the company takes by bringing less than
    nothing, on average over all orders."""

    mean: Floats
    of_orders: Floats
    of_mean: Floats
    is_bounded: bool
    loss: float = 0.0

    def room(self, orders: Floats, factor: Floats) -> Floats:
        """How far below nothing so many orders may end: as far as they are expected to lose."""
        return np.asarray(orders * self.loss * factor)


def group_money_variance(orders: Floats, worth: OrderWorth, factor: Floats, spread: Spread) -> Floats:
    """What customers add to the variance of a group's money."""
    return _of_money(orders, _chance(spread, orders), worth, factor)


def _of_money(orders: Floats, chance: Floats, worth: OrderWorth, factor: Floats) -> Floats:
    of_money = orders * worth.of_orders + chance * worth.mean**2 + (chance + orders**2) * worth.of_mean
    return np.asarray(of_money * factor**2)


def money_given_an_order(orders: OrderCounts, worth: OrderWorth, factor: Floats) -> tuple[Floats, Floats]:
    """(mean, variance) of what customers bring if an order comes: of that many orders, each of a worth that is not known
    exactly. factor: the mean discount."""
    some = np.maximum(1 - orders.none, _LEAST)
    mean = orders.mean * worth.mean * factor
    positive = mean / some
    variance = (_of_money(orders.mean, orders.variance, worth, factor) + mean**2) / some - positive**2
    return positive, np.maximum(variance, 1e-12 * positive**2 + 1e-18)


def money_quantiles(orders: OrderCounts, worth: OrderWorth, factor: Floats) -> Floats:
    """(3, n): P10, P50 and P90 of what customers bring. factor: the mean discount."""
    positive, variance = money_given_an_order(orders, worth, factor)
    room = worth.room(orders.given_one, factor)
    return _with_atom(orders.none, positive, variance, LEVELS, positive + room > 0, room)


def group_money_quantiles(
    mean: Floats, variance: Floats, codes: Integers, size: int, spread: Spread, *, has_shape: bool, is_bounded: bool
) -> Floats:
    """(3, groups): P10, P50 and P90 of what groups bring."""
    total = group_sum(mean, codes, size)
    common = (spread.tau**2 + (spread.omega**2 if has_shape else 0.0)) * total**2
    of_sum = np.maximum(group_sum(variance, codes, size) + common, 1e-18)
    nothing = np.zeros(size)
    return _with_atom(nothing, total, of_sum, spread.tail_levels(common, of_sum), is_bounded & (total > 0), nothing)


def _with_atom(
    none: Floats,
    mean: Floats,
    variance: Floats,
    levels: tuple[float | Floats, float | Floats, float | Floats],
    gamma: NDArray[np.bool_],
    room: Floats,
) -> Floats:
    """Quantiles of what is 0 with chance `none`, else gamma from -room on, or normal where it is not `gamma`."""
    deviation = np.sqrt(variance)
    raised = np.where(gamma, mean + room, 1.0)
    shape, scale = np.where(gamma, np.clip(raised**2 / variance, 1e-6, 1e12), 1.0), variance / raised
    below = (1 - none) * np.where(gamma, gammainc(shape, room / scale), ndtr(-mean / deviation))
    rows = []
    for level in levels:
        inner = np.where(level <= below, level, level - none) / np.maximum(1 - none, _LEAST)
        inner = np.clip(inner, 1e-9, 1 - 1e-9)
        continuous = np.where(gamma, gammaincinv(shape, inner) * scale - room, mean + deviation * ndtri(inner))
        rows.append(np.where((level > below) & (level <= below + none), 0.0, continuous))
    return np.stack(rows)
