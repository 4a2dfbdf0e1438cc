"""BG/NBD, MBG/NBD and MBG/CNBD-k: after an order a customer drops out with a probability of their own, beta(a, b).

What belongs here: the formulas the three share; they differ in whether one can drop out after the first order too (M)
and in how regular the gaps between orders are (k). What does not: fitting.

Fader, Hardie & Lee 2005 (Marketing Science 24) for BG/NBD; Batislam, Denizel & Filiztekin 2007 and Hoppe & Wagner 2007
for MBG/NBD; Reutterer, Platzer & Schröder 2021 (IJRM) for MBG/CNBD-k. With A = r + k x, n = the orders after which one
could have dropped out (x, or x + 1 for M), tau = T - t_x and S = sum over j < k of (A)_j / j! (tau / (alpha+T))^j:

    L = Gamma(A)/Gamma(r) alpha^r B(a, b+n)/B(a, b) { S (alpha+T)^-A + a/(b+n-1) (alpha+t_x)^-A }

Given alive, the rate is gamma(A + j, alpha + T) with j of the k phases done (weights: the terms of S), and the dropout
probability beta(a, b + n), independent of it.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, digamma, gammaln

from clientela.lifetime.arrays import Floats
from clientela.lifetime.dropout_integral import orders_until_dropout
from clientela.lifetime.histories import Histories
from clientela.lifetime.purchase_model import FAR, PurchaseModel, one_set


class GeometricDropout(PurchaseModel):
    """Parameters r, alpha (rate of phases, in time units), a, b (dropout after an order)."""

    parameters: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")
    dropout_parameters: ClassVar[tuple[str, ...]] = ("a", "b")
    first_order_counts: ClassVar[bool] = True
    k: int = 1

    def _chances(self, h: Histories) -> Floats:
        return h.x + 1.0 if self.first_order_counts else h.x

    def _phases(self, p: Floats, h: Histories) -> list[Floats]:
        """The terms of S; S is their sum (for k = 1 just [1])."""
        r, alpha = p[0], p[1]
        terms = [np.ones(len(h))]
        shape, share = r + self.k * h.x, (h.T - h.t_x) / (alpha + h.T)
        for j in range(1, self.k):
            terms.append(terms[-1] * (shape + (j - 1)) / j * share)
        return terms

    def log_odds_dead(self, p: Floats, h: Histories) -> Floats:
        r, alpha, a, b = p
        n = self._chances(h)
        with np.errstate(divide="ignore", invalid="ignore"):
            odds = np.log(a) - np.log(b + n - 1) + (r + self.k * h.x) * np.log((alpha + h.T) / (alpha + h.t_x))
        if self.k > 1:
            odds = odds - np.log(sum(self._phases(p, h)))
        return odds if self.first_order_counts else np.where(h.x > 0, odds, -np.inf)

    def log_likelihood(self, p: Floats, h: Histories) -> tuple[Floats, list[Floats]]:
        r, alpha, a, b = p
        k, one = self.k, one_set(p)
        n, shape = self._chances(h), r + self.k * h.x
        plus = 1.0 if self.first_order_counts else 0.0
        age, age_x = alpha + h.T, alpha + h.t_x
        ln_age = np.log(age)
        ln_ratio = ln_age - np.log(age_x)

        def constant(x: Floats) -> Floats:
            m = x + plus
            return np.asarray(
                gammaln(r + k * x) - gammaln(r) + gammaln(b + m) - gammaln(a + b + m) + gammaln(a + b) - gammaln(b)
            )

        with np.errstate(divide="ignore", invalid="ignore"):
            odds = np.log(a) - np.log(b + n - 1) + shape * ln_ratio
        if not self.first_order_counts:
            odds = np.where(h.x > 0, odds, -np.inf)
        ln_S: Floats | float = 0.0
        S_by_shape: Floats | float = 0.0
        S_by_alpha: Floats | float = 0.0
        if k > 1:
            terms = self._phases(p, h)
            S = np.sum(terms, axis=0)
            ln_S = np.log(S)
            harmonic = np.cumsum([np.zeros(len(h))] + [1.0 / (shape + i) for i in range(k - 1)], axis=0)
            S_by_shape = np.sum([t * d for t, d in zip(terms, harmonic, strict=True)], axis=0) / S
            S_by_alpha = -np.sum([j * t for j, t in enumerate(terms)], axis=0) / S / age
            odds = odds - ln_S
        value = h.on_x(constant, one_parameter_set=one) + r * np.log(alpha) - shape * ln_age
        value = value + ln_S + np.logaddexp(0.0, odds)
        if k > 1 and h.log_gaps is not None:
            value = value + (k - 1) * h.log_gaps - h.x * gammaln(k)
        dead = 1.0 / (1.0 + np.exp(-np.maximum(odds, -700.0)))
        alive = 1.0 - dead

        by_r = h.on_x(lambda x: digamma(r + k * x) - digamma(r), one_parameter_set=one)
        by_r = by_r + np.log(alpha) - ln_age + dead * ln_ratio + alive * S_by_shape
        by_alpha = r / alpha - shape / age + dead * shape * (1 / age - 1 / age_x) + alive * S_by_alpha
        ab = h.on_x(lambda x: digamma(a + b) - digamma(a + b + x + plus), one_parameter_set=one)
        by_a = ab + dead / a
        below = b + n - 1
        by_b = ab + h.on_x(lambda x: digamma(b + x + plus) - digamma(b), one_parameter_set=one)
        by_b = by_b - np.where(below > 0, dead / np.where(below > 0, below, 1.0), 0.0)
        return value, [r * by_r, alpha * by_alpha, a * by_a, b * by_b]

    def orders_if_alive(self, p: Floats, h: Histories, horizon: Floats) -> Floats:
        r, alpha, a, b = p
        n, shape = self._chances(h), r + self.k * h.x
        if self.k == 1:
            return orders_until_dropout(shape, alpha + h.T, a, b + n, horizon)
        return self._regular_orders(p, h, horizon)

    def _regular_orders(self, p: Floats, h: Histories, horizon: Floats) -> Floats:
        """Sum over m of P(m k - j phases within the horizon) P(no dropout in m - 1 orders), mixed over the phase j.

        P(N >= i) of a gamma mixture of Poissons is one less the chances of fewer, each of which follows from the one before.
        Where hundreds of orders are expected the sum gives way to the memoryless formula at the order rate (a k-th of the phase
        rate).
        """
        summed = self._is_summed(p, h, horizon)
        result = np.zeros(len(h))
        if not summed.all():
            result[~summed] = self._memoryless_orders(p, h, horizon)[~summed]
        rows = np.flatnonzero(summed)
        r, alpha, a, b = (np.broadcast_to(v, len(h))[rows] for v in p)
        B, shape, age = b + self._chances(h)[rows], r + self.k * h.x[rows], alpha + h.T[rows]
        weights = [weight[rows] for weight in self._phases(p, h)]
        total = np.sum(weights, axis=0)
        w, none = horizon[rows] / (age + horizon[rows]), np.log1p(horizon[rows] / age)
        for j, weight in enumerate(weights):
            left, count, m = np.arange(len(rows)), shape + j, 1
            exactly, fewer, number = np.exp(-count * none), np.zeros(len(rows)), 0
            of_all, wanted, A, likely = weight / total, B, a, w
            while left.size and m < 2000:
                while number < m * self.k - j:
                    fewer = fewer + exactly
                    exactly = exactly * likely * (count + number) / (number + 1)
                    number += 1
                term = of_all * (1.0 - fewer)
                result[rows[left]] += np.maximum(term, 0.0)
                of_all = of_all * (wanted + m - 1) / (A + wanted + m - 1)
                m += 1
                going = term > 1e-11
                if going.mean() < 0.7 or m % 8 == 0:
                    left, of_all, fewer, exactly = left[going], of_all[going], fewer[going], exactly[going]
                    count, wanted, A, likely = count[going], wanted[going], A[going], likely[going]
        return result

    def _is_summed(self, p: Floats, h: Histories, horizon: Floats) -> NDArray[np.bool_]:
        """Whether so few orders are expected that they are counted one by one."""
        return np.asarray((p[0] + self.k * h.x) / (p[1] + h.T) * horizon / self.k < 100)

    def _memoryless_orders(self, p: Floats, h: Histories, horizon: Floats) -> Floats:
        """Expected orders if they came without memory, at the order rate."""
        r, alpha, a, b = p
        return orders_until_dropout(r + self.k * h.x, (alpha + h.T) * self.k, a, b + self._chances(h), horizon)

    def order_within_if_alive(self, p: Floats, h: Histories, horizon: Floats) -> Floats:
        r, alpha = p[0], p[1]
        shape, age = r + self.k * h.x, alpha + h.T
        if self.k == 1:
            return np.asarray(-np.expm1(-shape * np.log1p(horizon / age)))
        weights = self._phases(p, h)
        w = horizon / (age + horizon)
        inside = [weight * betainc(self.k - j, shape + j, w) for j, weight in enumerate(weights)]
        return np.asarray(np.sum(inside, axis=0) / np.sum(weights, axis=0))

    def median_next_order(self, p: Floats, h: Histories) -> Floats:
        if self.k == 1:
            return super().median_next_order(p, h)
        low, high = np.zeros(len(h)), np.full(len(h), np.log(FAR))
        shape, age = p[0] + self.k * h.x, p[1] + h.T
        weights = self._phases(p, h)
        total = np.sum(weights, axis=0)
        for _ in range(45):
            middle = (low + high) / 2
            ahead = np.expm1(middle)
            none, likely = np.log1p(ahead / age), ahead / (age + ahead)
            later = np.zeros(len(h))
            for j, weight in enumerate(weights):
                exactly = np.exp(-(shape + j) * none)
                for number in range(self.k - j):
                    later += weight * exactly
                    exactly = exactly * likely * (shape + j + number) / (number + 1)
            is_early = later > 0.5 * total
            low, high = np.where(is_early, middle, low), np.where(is_early, high, middle)
        return np.asarray(np.expm1(high))

    def starts(self, mean_T: float, rate: float) -> list[Floats]:
        rate = max(rate, 1e-9) * self.k
        return [
            np.log([r, r / (rate * lift), a, b])
            for r, lift, a, b in ((0.3, 1.5, 0.7, 2.0), (1.0, 1.2, 0.3, 3.0), (3.0, 3.0, 1.5, 1.5))
        ]


class BGNBD(GeometricDropout):
    """Beta-geometric/NBD: dropout only after a repeat order, so every one-time buyer is alive by construction."""

    name: ClassVar[str] = "bg_nbd"
    first_order_counts: ClassVar[bool] = False
    knows_death_of_one_time_buyers: ClassVar[bool] = False


class MBGNBD(GeometricDropout):
    """Modified BG/NBD: dropout after the first order too."""

    name: ClassVar[str] = "mbg_nbd"


class MBGCNBD(GeometricDropout):
    """MBG/CNBD-k: gaps between orders are Erlang-k, more regular than chance for k > 1."""

    name: ClassVar[str] = "mbg_cnbd_k"

    def __init__(self, k: int = 2) -> None:
        self.k = int(k)
