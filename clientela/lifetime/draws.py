"""Futures of customers, drawn: intervals of one customer and of any group of customers.

What belongs here: drawing orders (parameters, then customers, then orders), and what is read off the draws. What does not:
what an order is worth (contribution.py). Quantiles of customers do not add up; sums of draws do, so a group's interval is
taken from the sums.

Draws come in chunks of customers, each with its own seeded generator, so a million customers need no more memory than a
chunk, and the same seed gives the same draws. One draw uses one parameter set for all customers.
"""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import ndtr

from clientela.lifetime.arrays import Floats, Integers
from clientela.lifetime.errors import LifetimeError
from clientela.lifetime.fitting import PurchaseFit
from clientela.lifetime.histories import Histories
from clientela.lifetime.purchase_model import PurchaseModel

_CHUNK_CELLS = 1_500_000
_AT_ONCE = 4
_EXACT_ROWS = 1500  # up to so many distinct histories P(alive) is computed anew under each parameter draw
_Z80 = 1.2815515655446004


class OrderSource(Protocol):
    """Where futures come from: a fitted model, or a baseline with its learnt scatter."""

    customers: int
    draws: int

    def draw(self, rows: slice, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """(orders, mean discount factor of those orders), each (rows, draws)."""


class MoneySource(Protocol):
    """What orders bring."""

    def draw(self, rows: slice, orders: Floats, rng: np.random.Generator) -> Floats:
        """Money (rows, draws) that so many orders bring, undiscounted."""


class BesideSource(Protocol):
    """What customers bring without ordering."""

    def draw(self, rows: slice, rng: np.random.Generator) -> Floats:
        """Money (rows, draws), discounted."""


class ModelDraws:
    """Futures from a fitted purchase model over (T, T + horizon], parameter uncertainty included."""

    def __init__(
        self, fit: PurchaseFit, h: Histories, horizon: float, *, delta: float = 0.0, draws: int = 400, seed: int = 0
    ) -> None:
        self.customers, self.draws = len(h), draws
        self._fit, self._h, self._horizon, self._delta = fit, h, float(horizon), float(delta)
        rng = np.random.default_rng([seed, 1])
        values, vectors = np.linalg.eigh(fit.covariance)
        self._axes = vectors * np.sqrt(np.maximum(values, 0.0))
        self._z = np.clip(rng.standard_normal((len(values), draws)), -3.5, 3.5)
        self._theta = fit.theta[:, None] + self._axes @ self._z
        c = h.compressed()
        self._index = c.index
        self._exact: Floats | None = None
        if len(c.rows) <= _EXACT_ROWS:
            self._exact = np.stack([self._p_alive(c.rows, self._theta[:, d]) for d in range(draws)], axis=1)
        else:
            self._odds = self._log_odds(c.rows, fit.theta)
            steps = [self._axes[:, j] for j in range(len(values))]
            with np.errstate(invalid="ignore"):
                slopes = [
                    (self._log_odds(c.rows, fit.theta + s) - self._log_odds(c.rows, fit.theta - s)) / 2 for s in steps
                ]
            self._slopes = np.nan_to_num(np.stack(slopes, axis=1))

    def _p_alive(self, rows: Histories, theta: Floats) -> Floats:
        model: PurchaseModel = self._fit.model
        return model.p_alive(self._fit.rows(rows, theta), rows)

    def _log_odds(self, rows: Histories, theta: Floats) -> Floats:
        model: PurchaseModel = self._fit.model
        return model.log_odds_dead(self._fit.rows(rows, theta), rows)

    def draw(self, rows: slice, rng: np.random.Generator) -> tuple[Floats, Floats]:
        h, index = self._h[rows], self._index[rows]
        size = (len(h), self.draws)
        if self._exact is not None:
            alive = self._exact[index]
        else:
            # The log-odds move in a straight line with the parameters, axis by axis of their covariance.
            odds = self._odds[index][:, None] + self._slopes[index] @ self._z
            alive = 1.0 / (1.0 + np.exp(np.minimum(odds, 700.0)))
        if self._fit.covariates:
            p = np.stack([self._fit.rows(h, self._theta[:, d]) for d in range(self.draws)], axis=2)
        else:
            k = len(self._fit.model.parameters)
            p = np.exp(self._theta[:k])[:, None, :]
        orders, factor = self._fit.model.draw_if_alive(p, h, self._horizon, self._delta, rng, size)
        return np.where(rng.random(size) < alive, orders, 0.0), factor


class ScatterDraws:
    """Futures around a baseline's means: negative binomial counts, and one common error of the level.

    mean, discount: shape (n,), expected orders and their mean discount factor; dispersion: phi in variance = m + phi m^2;
    level_error: standard deviation of the logarithm of the common error; both learnt at earlier origins.
    """

    def __init__(
        self,
        mean: Floats,
        discount: Floats,
        *,
        dispersion: float,
        level_error: float,
        draws: int = 400,
        seed: int = 0,
    ) -> None:
        self.customers, self.draws = len(mean), draws
        self._mean, self._discount, self._dispersion = mean, discount, max(dispersion, 0.0)
        z = np.random.default_rng([seed, 1]).standard_normal(draws)
        self._level = np.exp(level_error * z - level_error**2 / 2)

    def draw(self, rows: slice, rng: np.random.Generator) -> tuple[Floats, Floats]:
        mean = self._mean[rows][:, None] * self._level
        if self._dispersion > 1e-9:
            mean = mean * rng.standard_gamma(1 / self._dispersion, mean.shape) * self._dispersion
        orders = rng.poisson(np.minimum(mean, 1e15)).astype(np.float64)
        return orders, np.broadcast_to(self._discount[rows][:, None], mean.shape)


@dataclass(frozen=True)
class Intervals:
    """Per customer or group: mean, and quantiles in the order of `levels`; shape (n,) and (len(levels), n)."""

    mean: Floats
    quantiles: Floats
    levels: tuple[float, ...]

    @property
    def p10(self) -> Floats:
        return np.asarray(self.quantiles[0])

    @property
    def p50(self) -> Floats:
        return np.asarray(self.quantiles[1])

    @property
    def p90(self) -> Floats:
        return np.asarray(self.quantiles[2])


@dataclass(frozen=True)
class Futures:
    """What was read off the draws.

    orders, money: Intervals per customer (money None where no MoneySource was given; discounted when the source was).
    group_orders, group_money: per grouping the kept draws (groups, draws) of its groups' sums. pit_orders, pit_money:
    randomised PIT of what was observed, where given.
    """

    orders: Intervals
    money: Intervals | None
    group_orders: Mapping[str, Floats]
    group_money: Mapping[str, Floats]
    pit_orders: Floats | None = field(default=None, repr=False)
    pit_money: Floats | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Widening:
    """Factors learnt at rolling origins; 1 widens nothing. customers: in normal scores; groups: times the half-width."""

    orders_customers: float = 1.0
    orders_groups: float = 1.0
    money_customers: float = 1.0
    money_groups: float = 1.0


NOT_WIDENED = Widening()


@dataclass(frozen=True)
class Observed:
    """What came of customers whose futures are read, each of shape (n,), where it is known."""

    orders: Floats | None = None
    money: Floats | None = None


def chunks(source: OrderSource, seed: int) -> list[tuple[slice, np.random.Generator]]:
    """The customers in slices that fit into memory, each with its own generator."""
    size = max(1, _CHUNK_CELLS // source.draws)
    return [
        (slice(at, min(at + size, source.customers)), np.random.default_rng([seed, 2, number]))
        for number, at in enumerate(range(0, source.customers, size))
    ]


def read_futures(
    source: OrderSource,
    *,
    money: MoneySource | None = None,
    beside: BesideSource | None = None,
    groups: Mapping[str, Integers] | None = None,
    seed: int = 0,
    widening: Widening = NOT_WIDENED,
    observed: Observed | None = None,
) -> Futures:
    """Draw, and read off means, P10, P50, P90 per customer, sums per group, and the PIT of what was observed.

    beside: money that is added to what orders bring. groups: by name of the grouping, codes from 0 of shape (n,).
    widening: P10 and P90 are taken at the levels a normal has at 1.28 x widening, so 1 widens nothing and counts stay counts.
    """
    n, k = source.customers, source.draws
    if n == 0:
        raise LifetimeError("There is no customer to forecast.")
    levels_o, levels_m = _levels(widening.orders_customers), _levels(widening.money_customers)
    observed_orders, observed_money = (observed.orders, observed.money) if observed else (None, None)
    mean_o, quant_o = np.empty(n), np.empty((3, n))
    mean_m, quant_m = np.empty(n), np.empty((3, n))
    pit_o = np.empty(n) if observed_orders is not None else None
    pit_m = np.empty(n) if observed_money is not None and money is not None else None
    groupings = dict(groups or {})
    sizes = {name: int(codes.max()) + 1 for name, codes in groupings.items()}
    sum_o = {name: np.zeros((size, k)) for name, size in sizes.items()}
    sum_m = {name: np.zeros((size, k)) for name, size in sizes.items()} if money is not None else {}

    def read(rows: slice, rng: np.random.Generator) -> dict[str, tuple[Floats, Floats | None]]:
        """One chunk: the customers' figures in their places; its groups' sums are handed back, to be added in order."""
        orders, factor = source.draw(rows, rng)
        members = {name: _membership(codes[rows], sizes[name]) for name, codes in groupings.items()}
        mean_o[rows] = orders.mean(axis=1)
        quant_o[:, rows] = _quantiles(orders, levels_o)
        if pit_o is not None and observed_orders is not None:
            pit_o[rows] = randomised_pit(observed_orders[rows], orders, rng)
        if money is None:
            return {name: (member @ orders, None) for name, member in members.items()}
        worth = money.draw(rows, orders, rng) * factor
        if beside is not None:
            worth = worth + beside.draw(rows, rng)
        mean_m[rows] = worth.mean(axis=1)
        quant_m[:, rows] = _quantiles(worth, levels_m)
        if pit_m is not None and observed_money is not None:
            pit_m[rows] = randomised_pit(observed_money[rows], worth, rng)
        return {name: (member @ orders, member @ worth) for name, member in members.items()}

    # a chunk has its own generator and its own rows: how many are read at once changes nothing
    with ThreadPoolExecutor(min(_AT_ONCE, os.cpu_count() or 1)) as pool:
        for sums in pool.map(read, *zip(*chunks(source, seed), strict=True)):
            for name, (counted, paid) in sums.items():
                sum_o[name] += counted
                if paid is not None:
                    sum_m[name] += paid
    return Futures(
        Intervals(mean_o, quant_o, levels_o),
        Intervals(mean_m, quant_m, levels_m) if money is not None else None,
        sum_o,
        sum_m,
        pit_o,
        pit_m,
    )


def group_intervals(draws: Floats, *, widening: float = 1.0) -> Intervals:
    """Intervals of groups from kept draws (groups, draws); `widening` stretches them around the median."""
    low, middle, high = np.quantile(draws, [0.1, 0.5, 0.9], axis=1)
    stretched = np.stack([middle - widening * (middle - low), middle, middle + widening * (high - middle)])
    return Intervals(draws.mean(axis=1), stretched, (0.1, 0.5, 0.9))


def randomised_pit(observed: Floats, draws: Floats, rng: np.random.Generator) -> Floats:
    """u between P(Y < y) and P(Y <= y), per row; draws (n, k). Uniform where the draws are right (Smith 1985)."""
    k = draws.shape[1]
    below = (draws < observed[:, None]).sum(axis=1)
    ties = (draws == observed[:, None]).sum(axis=1)
    # The observed value is one more draw among k: k + 1 places, evenly likely.
    return np.asarray((below + rng.random(len(observed)) * (ties + 1)) / (k + 1))


def _membership(codes: Integers, size: int) -> csr_matrix:
    return csr_matrix((np.ones(len(codes)), (codes, np.arange(len(codes)))), shape=(size, len(codes)))


def _levels(widening: float) -> tuple[float, float, float]:
    return (float(ndtr(-_Z80 * widening)), 0.5, float(ndtr(_Z80 * widening)))


def _quantiles(draws: Floats, levels: tuple[float, ...]) -> Floats:
    """Quantiles by the inverse of the empirical distribution: a count's quantile is a count."""
    k = draws.shape[1]
    places = [min(k - 1, max(0, int(np.ceil(level * k)) - 1)) for level in levels]
    parted = np.partition(draws, sorted(set(places)), axis=1)
    return np.asarray(parted[:, places].T)
