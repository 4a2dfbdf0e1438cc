"""Pareto/NBD: customers buy at gamma rates (r, alpha) and die at gamma rates (s, beta), at any moment.

What belongs here: its formulas. What does not: fitting.

Schmittlein, Morrison & Colombo 1987; Fader & Hardie 2005 (notes on its derivation); DERT: Fader, Hardie & Lee 2005 (JMR
42). The likelihood is that of being alive at T plus that of having died at some u between t_x and T:

    L = Gamma(r+x)/Gamma(r) alpha^r beta^s { (alpha+T)^-(r+x) (beta+T)^-s
                                             + s * integral over u of (alpha+u)^-(r+x) (beta+u)^-(s+1) }

The integral is taken as it stands, in logs, by Gauss-Legendre over ln(min(alpha, beta) + u), cut where the integrand has
fallen by e^-32. It has no case alpha > beta, overflows nowhere and gives its own derivatives.
"""

from typing import ClassVar

import numpy as np
from scipy.special import digamma, gammaln

from clientela.lifetime.arrays import Floats
from clientela.lifetime.histories import Histories
from clientela.lifetime.purchase_model import PurchaseModel, one_set

_FALL = 32.0
_FEW = np.polynomial.legendre.leggauss(12)
_MANY = np.polynomial.legendre.leggauss(26)
_BLOCK = 8192


class ParetoNBD(PurchaseModel):
    """Parameters r, alpha (orders), s, beta (death); alpha and beta in time units."""

    name: ClassVar[str] = "pareto_nbd"
    parameters: ClassVar[tuple[str, ...]] = ("r", "alpha", "s", "beta")
    dropout_parameters: ClassVar[tuple[str, ...]] = ("beta",)

    def log_likelihood(self, p: Floats, h: Histories) -> tuple[Floats, list[Floats]]:
        r, alpha, s, beta = p
        one = one_set(p)
        shape, age, life = r + h.x, alpha + h.T, beta + h.T
        ln_age, ln_life = np.log(age), np.log(life)
        odds, (ln_a, ln_b, inv_a, inv_b) = _dead(p, h, moments=True)
        dead = 1.0 / (1.0 + np.exp(-np.maximum(odds, -700.0)))
        value = h.on_x(lambda x: gammaln(r + x) - gammaln(r), one_parameter_set=one)
        value = value + r * np.log(alpha) + s * np.log(beta) - shape * ln_age - s * ln_life + np.logaddexp(0.0, odds)
        by_r = h.on_x(lambda x: digamma(r + x) - digamma(r), one_parameter_set=one) + np.log(alpha)
        by_r = by_r - (1 - dead) * ln_age - dead * ln_a
        by_s = np.log(beta) - (1 - dead) * ln_life + dead * (1 / s - ln_b)
        by_alpha = r / alpha - shape * ((1 - dead) / age + dead * inv_a)
        by_beta = s / beta - (1 - dead) * s / life - dead * (s + 1) * inv_b
        return value, [r * by_r, alpha * by_alpha, s * by_s, beta * by_beta]

    def log_odds_dead(self, p: Floats, h: Histories) -> Floats:
        return _dead(p, h, moments=False)[0]

    def orders_if_alive(self, p: Floats, h: Histories, horizon: Floats) -> Floats:
        r, alpha, s, beta = p
        life = beta + h.T
        ln = np.log1p(horizon / life)
        # (1 - exp(-(s-1) ln)) / (s-1), which is ln itself at s = 1
        e = np.broadcast_to(np.asarray(s - 1.0), ln.shape)
        small = np.abs(e) < 1e-9
        bent = np.where(small, ln * (1 - e * ln / 2), -np.expm1(-e * ln) / np.where(small, 1.0, e))
        return np.asarray((r + h.x) / (alpha + h.T) * life * bent)

    def order_within_if_alive(self, p: Floats, h: Histories, horizon: Floats) -> Floats:
        """The next order comes at u before h and before death: integral of rate(u) times survival(u)."""
        r, alpha, s, beta = p
        shape, age, life = r + h.x, alpha + h.T, beta + h.T
        end = np.minimum(np.log1p(horizon / age), _FALL / shape)
        total = np.zeros(len(h))
        for node, weight in zip(*_MANY, strict=True):
            v = end * (node + 1) / 2
            total += weight / 2 * end * shape * np.exp(-shape * v - s * np.log1p(age * np.expm1(v) / life))
        return total

    def discounted_if_alive(self, p: Floats, h: Histories, horizon: float, delta: float) -> Floats:
        if delta <= 0:
            return super().discounted_if_alive(p, h, horizon, delta)
        r, alpha, s, beta = p
        return np.asarray((r + h.x) / (alpha + h.T) * _discounted_life(s, beta + h.T, horizon, delta))

    def dert(self, p: Floats, h: Histories, delta: float) -> Floats:
        """Discounted expected residual transactions over an infinite horizon, of a customer alive at T; delta > 0."""
        return self.discounted_if_alive(p, h, np.inf, delta)

    def starts(self, mean_T: float, rate: float) -> list[Floats]:
        rate = max(rate, 1e-9)
        return [
            np.log([r, r / (rate * 1.5), s, life * mean_T])
            for r, s, life in ((0.5, 0.6, 0.3), (1.0, 1.0, 1.0), (3.0, 2.0, 1.0))
        ]


def _dead(p: Floats, h: Histories, *, moments: bool) -> tuple[Floats, tuple[Floats, Floats, Floats, Floats]]:
    """ln odds of having died in (t_x, T], and the means of ln(alpha+u), ln(beta+u), 1/(alpha+u), 1/(beta+u) there."""
    n = len(h)
    out = np.empty((5, n))
    for at in range(0, n, _BLOCK):
        block = slice(at, at + _BLOCK)
        q = p if one_set(p) else p[:, block]
        out[:, block] = _dead_block(q, h.x[block], h.t_x[block], h.T[block], moments)
    return out[0], (out[1], out[2], out[3], out[4])


def _dead_block(p: Floats, x: Floats, t_x: Floats, T: Floats, moments: bool) -> Floats:
    r, alpha, s, beta = (np.broadcast_to(v, len(x)) for v in p)
    near = np.minimum(alpha, beta)
    extra_a, extra_b = alpha - near, beta - near
    power_a, power_b = r + x, s + 1
    start = near + t_x
    length = np.log((near + T) / start)

    def fall(y: Floats) -> Floats:
        """How far ln(integrand) has fallen at ln(near + u) = ln(start) + y."""
        here = start * np.exp(y)
        return np.asarray(
            power_a * np.log((extra_a + here) / (extra_a + start))
            + power_b * np.log((extra_b + here) / (extra_b + start))
            - y
        )

    total = fall(length)
    steep = np.flatnonzero(total > _FALL)
    if steep.size:
        low, high = np.zeros(len(steep)), length[steep]
        s_start, s_ea, s_eb, s_pa, s_pb = (v[steep] for v in (start, extra_a, extra_b, power_a, power_b))
        for _ in range(30):
            middle = (low + high) / 2
            here = s_start * np.exp(middle)
            fallen = s_pa * np.log((s_ea + here) / (s_ea + s_start))
            fallen = fallen + s_pb * np.log((s_eb + here) / (s_eb + s_start)) - middle
            low, high = np.where(fallen < _FALL, middle, low), np.where(fallen < _FALL, high, middle)
        length = length.copy()
        length[steep] = high
    out = np.empty((5, len(x)))
    level = np.where((total < 5.0) & (length < 2.0), 0, 1)
    for which, rule in enumerate((_FEW, _MANY)):
        rows = np.flatnonzero(level == which)
        if not rows.size:
            continue
        nodes, weights = rule
        y = length[rows][None, :] * ((nodes + 1) / 2)[:, None]
        here = start[rows] * np.exp(y)
        in_a, in_b = extra_a[rows] + here, extra_b[rows] + here
        ln_a, ln_b = np.log(in_a), np.log(in_b)
        f = -power_a[rows] * (ln_a - ln_a[:1]) - power_b[rows] * (ln_b - ln_b[:1]) + y
        f = (weights / 2)[:, None] * np.exp(f)
        mass = f.sum(axis=0)
        with np.errstate(divide="ignore"):
            log_integral = np.log(mass) + np.log(length[rows]) + np.log(start[rows])
        log_integral = log_integral - power_a[rows] * ln_a[0] - power_b[rows] * ln_b[0]
        alive = -power_a[rows] * np.log(alpha[rows] + T[rows]) - s[rows] * np.log(beta[rows] + T[rows])
        out[0, rows] = np.log(s[rows]) + log_integral - alive
        if moments:
            share = f / mass
            out[1, rows] = (share * ln_a).sum(axis=0)
            out[2, rows] = (share * ln_b).sum(axis=0)
            out[3, rows] = (share / in_a).sum(axis=0)
            out[4, rows] = (share / in_b).sum(axis=0)
    return out


def _discounted_life(s: Floats, life: Floats, horizon: float, delta: float) -> Floats:
    """Integral over (0, horizon) of exp(-delta u) (life/(life+u))^s, horizon possibly infinite."""
    z = delta * life
    far = np.log1p(45.0 / z)
    end = far if np.isinf(horizon) else np.minimum(np.log1p(horizon / life), far)
    total = np.zeros(np.broadcast(s, life).shape)
    pieces = 6
    for piece in range(pieces):
        for node, weight in zip(*_FEW, strict=True):
            v = end * (piece + (node + 1) / 2) / pieces
            total += weight / 2 / pieces * end * np.exp(-z * np.expm1(v) - (s - 1) * v)
    return np.asarray(life * total)
