"""NBD: customers buy at gamma-distributed rates and never drop out; the last fallback but one (Ehrenberg 1959).

What belongs here: its formulas. What does not: fitting.

P(x | T) with exact times: Gamma(r+x)/Gamma(r) alpha^r / (alpha+T)^(r+x).
"""

from typing import ClassVar

import numpy as np
from scipy.special import digamma, gammaln

from clientela.lifetime.arrays import Floats
from clientela.lifetime.discounting import mean_discount
from clientela.lifetime.histories import Histories
from clientela.lifetime.purchase_model import PurchaseModel, one_set


class NBD(PurchaseModel):
    """Parameters r (shape) and alpha (rate, in time units)."""

    name: ClassVar[str] = "nbd"
    parameters: ClassVar[tuple[str, ...]] = ("r", "alpha")
    knows_death_of_one_time_buyers: ClassVar[bool] = False

    def log_likelihood(self, p: Floats, h: Histories) -> tuple[Floats, list[Floats]]:
        r, alpha = p
        one = one_set(p)
        shape = r + h.x
        log_T = np.log(alpha + h.T)
        value = h.on_x(lambda x: gammaln(r + x) - gammaln(r), one_parameter_set=one) + r * np.log(alpha) - shape * log_T
        by_r = h.on_x(lambda x: digamma(r + x) - digamma(r), one_parameter_set=one) + np.log(alpha) - log_T
        return value, [r * by_r, r - alpha * shape / (alpha + h.T)]

    def log_odds_dead(self, p: Floats, h: Histories) -> Floats:
        return np.full(len(h), -np.inf)

    def p_alive(self, p: Floats, h: Histories) -> Floats:
        return np.ones(len(h))

    def orders_if_alive(self, p: Floats, h: Histories, horizon: Floats) -> Floats:
        return np.asarray((p[0] + h.x) / (p[1] + h.T) * horizon)

    def order_within_if_alive(self, p: Floats, h: Histories, horizon: Floats) -> Floats:
        return np.asarray(-np.expm1(-(p[0] + h.x) * np.log1p(horizon / (p[1] + h.T))))

    def discounted_if_alive(self, p: Floats, h: Histories, horizon: float, delta: float) -> Floats:
        return self.orders_if_alive(p, h, np.full(len(h), horizon)) * mean_discount(np.array(horizon), delta)

    def starts(self, mean_T: float, rate: float) -> list[Floats]:
        return [np.log([r, r / max(rate, 1e-9)]) for r in (0.3, 1.0, 3.0)]


class OneRate(NBD):
    """NBD whose shape is given, not fitted: where customers do not differ visibly, or too few have ordered again to tell."""

    name: ClassVar[str] = "one_rate"
