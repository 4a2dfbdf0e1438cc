"""Gamma-Gamma: what an order is worth when it is above zero.

What belongs here: its likelihood and what it expects of a customer. What does not: margins and orders that bring
nothing (contribution.py).

Fader & Hardie 2013, "The Gamma-Gamma Model of Monetary Value". Orders of a customer are gamma(p, nu), nu is gamma(q,
gamma) over customers; amounts and gamma in money. Given n orders of mean z, nu is gamma(q + p n, gamma + n z).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln

from clientela.lifetime.arrays import Floats, floats, same_length
from clientela.lifetime.errors import LifetimeError, NotIdentified
from clientela.lifetime.maximise import Objective, maximise

_SAMPLE = 4000


@dataclass(frozen=True)
class GammaGammaFit:
    """theta: ln p, ln q, ln gamma."""

    theta: Floats
    covariance: Floats
    log_likelihood: float
    customers: int

    @property
    def parameters(self) -> dict[str, float]:
        """p, q and gamma (money)."""
        return dict(zip(("p", "q", "gamma"), map(float, np.exp(self.theta)), strict=True))

    @property
    def standard_errors(self) -> dict[str, float]:
        """On the scale of `parameters`."""
        deviations = np.sqrt(np.diag(self.covariance)) * np.exp(self.theta)
        return dict(zip(("p", "q", "gamma"), map(float, deviations), strict=True))

    def expected_amount(self, orders: object, mean_amount: object) -> Floats:
        """Expected amount of a customer's next order, given `orders` (may be 0) of mean `mean_amount`; shape (n,)."""
        n, z = _customers(orders, mean_amount)
        p, q, g = np.exp(self.theta)
        return np.asarray(p * (g + n * z) / (p * n + q - 1))


def _customers(orders: object, mean_amount: object) -> tuple[Floats, Floats]:
    n, z = floats(orders, "orders", minimum=0), floats(mean_amount, "mean_amount", minimum=0)
    same_length(orders=n, mean_amount=z)
    if ((n > 0) & (z <= 0)).any():
        raise LifetimeError("Gamma-Gamma takes orders of more than zero only; leave the others out of orders and mean.")
    return n, z


def fit_gamma_gamma(orders: object, mean_amount: object, near: Floats | None = None) -> GammaGammaFit:
    """Fit to customers with `orders` >= 1 orders of mean `mean_amount` > 0; customers with 0 orders are left out. near: theta of
    like data, where the search begins.

    Raises NotIdentified when the data do not determine p, q and gamma, or say that a mean amount does not exist (q <= 1).
    """
    n, z = _customers(orders, mean_amount)
    z, n = z[n > 0], n[n > 0]
    if len(n) < 10:
        raise NotIdentified(f"only {len(n)} customers have an order above zero")
    unit = float(np.exp(np.mean(np.log(z))))  # amounts are fitted in units of their geometric mean
    z = z / unit
    starts = [np.log([p, q, max(q - 1, 0.5) / p]) for p, q in ((2.0, 3.0), (6.0, 4.0), (1.0, 10.0), (20.0, 2.0))]
    bounds = [(-7.0, 12.0), (-4.0, 9.0), (-14.0, 14.0)]
    step = len(n) // _SAMPLE
    rough = _objective(n[::step], z[::step]) if step > 1 else None
    start = None if near is None else near - np.array([0.0, 0.0, np.log(unit)])
    top = maximise(_objective(n, z), starts, bounds, rough=rough, near=start)
    if top.theta[1] <= np.log(1.02):
        raise NotIdentified("amounts differ so much between customers that their mean does not exist (q at most 1)")
    theta = top.theta + np.array([0.0, 0.0, np.log(unit)])
    return GammaGammaFit(theta, top.covariance, top.log_likelihood - len(n) * np.log(unit), len(n))


def _objective(n: Floats, z: Floats) -> Objective:
    """The log-likelihood of orders and mean amounts, and its gradient, by the logarithms of p, q and gamma."""
    ln_z, ln_n = np.log(z), np.log(n)

    def objective(theta: Floats) -> tuple[float, Floats]:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            p, q, g = np.exp(theta)
            a, ln_sum = p * n, np.log(g + n * z)
            value = gammaln(a + q) - gammaln(a) - gammaln(q) + q * np.log(g) + (a - 1) * ln_z + a * ln_n
            value = value - (a + q) * ln_sum
            both = digamma(a + q)
            by_p = n * (both - digamma(a) + ln_z + ln_n - ln_sum)
            by_q = both - digamma(q) + np.log(g) - ln_sum
            by_g = q / g - (a + q) / (g + n * z)
            return float(value.sum()), np.array([p * by_p.sum(), q * by_q.sum(), g * by_g.sum()])

    return objective
