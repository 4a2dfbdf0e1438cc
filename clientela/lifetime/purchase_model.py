"""What every purchase model is: a likelihood of (x, t_x, T) and, given the customer is alive, an independent posterior.

What belongs here: the abstract model and what follows for all models from its parts. What does not: fitting
(fitting.py), one model's formulas (nbd.py, geometric_dropout.py, pareto_nbd.py).

In all of them a customer buys at a rate that is gamma distributed over customers (shape r, rate alpha), until they drop
out unseen. Parameters come as an array of shape (k,), one set for everybody, or (k, n), one per row (covariates).
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from clientela.lifetime.arrays import Floats
from clientela.lifetime.discounting import discounted_from_cumulative
from clientela.lifetime.histories import Histories
from clientela.lifetime.p_alive import p_alive

FAR = 1e9  # "never" in time units: dates further away are reported as this far, not as infinity


class PurchaseModel(ABC):
    """A model of orders. Formulas take the rows' parameters and give one figure per row."""

    name: ClassVar[str] = ""
    parameters: ClassVar[tuple[str, ...]] = ()
    rate_parameters: ClassVar[tuple[str, ...]] = ("alpha",)
    dropout_parameters: ClassVar[tuple[str, ...]] = ()
    knows_death_of_one_time_buyers: ClassVar[bool] = True

    @abstractmethod
    def log_likelihood(self, p: Floats, h: Histories) -> tuple[Floats, list[Floats]]:
        """(log-likelihood per row, its derivatives by the logarithm of each parameter)."""

    @abstractmethod
    def log_odds_dead(self, p: Floats, h: Histories) -> Floats:
        """ln of P(dropped out by T) / P(alive at T), given the history."""

    @abstractmethod
    def orders_if_alive(self, p: Floats, h: Histories, horizon: Floats) -> Floats:
        """Expected orders in (T, T + horizon] of a customer alive at T; horizon has shape (n,)."""

    @abstractmethod
    def order_within_if_alive(self, p: Floats, h: Histories, horizon: Floats) -> Floats:
        """P(at least one order in (T, T + horizon]) of a customer alive at T."""

    def starts(self, mean_T: float, rate: float) -> list[Floats]:
        """Logarithms of parameters to start from, for data with this mean age and this rate of orders."""
        raise NotImplementedError

    def p_alive(self, p: Floats, h: Histories) -> Floats:
        """P(alive at T), given the history."""
        return p_alive(self.log_odds_dead(p, h))

    def discounted_if_alive(self, p: Floats, h: Histories, horizon: float, delta: float) -> Floats:
        """Expected orders in (T, T + horizon], each times exp(-delta x its distance), of a customer alive at T."""
        n = len(h)
        return discounted_from_cumulative(
            lambda t: self.orders_if_alive(p, h, np.full(n, t)), horizon=horizon, delta=delta
        )

    def median_next_order(self, p: Floats, h: Histories) -> Floats:
        """Median time from T to the next order of a customer who is alive and stays so until then; at most FAR.

        The rate given (x, T) is gamma(r + x, alpha + T), so P(later than t) = ((alpha+T)/(alpha+T+t))^(r+x).
        """
        r, alpha = p[0], p[1]
        exponent = np.minimum(np.log(2.0) / (r + h.x), np.log(FAR))
        return np.asarray(np.minimum((alpha + h.T) * np.expm1(exponent), FAR))


def one_set(p: Floats) -> bool:
    """Whether one parameter set serves all rows."""
    return p.ndim == 1
