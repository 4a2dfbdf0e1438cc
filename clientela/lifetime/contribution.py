"""What an order brings: net revenue times margin, or contribution outright; orders at or below zero included.

What belongs here: the two spend models put together from their parts. What does not: the parts (gamma_gamma.py,
shrinkage.py), how many orders come.

`gamma_gamma`: an order is at or below zero with the customer's (shrunken) share and then brings the company's mean of such
orders; else it brings a Gamma-Gamma amount times the customer's margin rate, shrunk to their category and the company.
`normal`: mean contribution per order, any sign, shrunk to category and company. Where frequency and mean amount are
rank-correlated above .3, Gamma-Gamma is fitted, and the normal model shrinks, by band of frequency.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from clientela.lifetime.arrays import Floats, Integers, same_length, spearman
from clientela.lifetime.errors import LifetimeError, NotIdentified
from clientela.lifetime.gamma_gamma import GammaGammaFit, fit_gamma_gamma
from clientela.lifetime.prediction_intervals import OrderWorth
from clientela.lifetime.shrinkage import Shrinkage, Shrunken, learn_share, learn_shrinkage, share_of

Kind = Literal["gamma_gamma", "normal"]
_BANDS = np.array([1, 2, 4, 8, 16, 32])
_LEAST_IN_BAND = 200
_CORRELATED = 0.3


@dataclass(frozen=True)
class SpendHistory:
    """What n customers' orders brought so far, as sums per customer; all shape (n,).

    paid, paid_revenue: orders of net revenue > 0 and their revenue. Of the orders whose contribution is known: margin_
    revenue, margin_contribution, margin_squares: over those with revenue > 0, their revenue z, contribution c and c^2 / z,
    margin_orders how many; unpaid, unpaid_contribution, unpaid_squares: those with revenue <= 0; known, contribution,
    contribution_squares: all of them. orders: all, known or not. category: codes from 0, or None.
    """

    orders: Floats
    paid: Floats
    paid_revenue: Floats
    margin_orders: Floats
    margin_revenue: Floats
    margin_contribution: Floats
    margin_squares: Floats
    unpaid: Floats
    unpaid_contribution: Floats
    unpaid_squares: Floats
    known: Floats
    contribution: Floats
    contribution_squares: Floats
    category: Integers | None = None

    def __post_init__(self) -> None:
        same_length(**{k: v for k, v in vars(self).items() if isinstance(v, np.ndarray)})

    @property
    def mean_amount(self) -> Floats:
        """Mean revenue of orders above zero, 0 for customers without."""
        return np.asarray(np.where(self.paid > 0, self.paid_revenue / np.maximum(self.paid, 1), 0.0))


@dataclass(frozen=True)
class ContributionFit:
    """A fitted spend model for the customers of one SpendHistory.

    per_order: shape (n,), expected value of a customer's next order. correlation: rank correlation of orders and
    mean amount. bands: lower ends of the frequency bands fitted apart ([1] for one). reason: why it is not the kind asked.
    """

    kind: Kind
    per_order: Floats
    correlation: float
    bands: Floats
    band: Integers
    spend: SpendHistory
    amounts: tuple[GammaGammaFit, ...] = ()
    shrunken: Shrunken | None = None
    unpaid_share: Floats | None = None
    unpaid_mean: float = 0.0
    unpaid_deviation: float = 0.0
    reason: str = ""

    @property
    def parameters(self) -> dict[str, float]:
        """Named parameters; those of Gamma-Gamma carry the lower end of their band."""
        out: dict[str, float] = {"rank_correlation": self.correlation}
        for low, fit in zip(self.bands, self.amounts, strict=False):
            suffix = "" if len(self.amounts) == 1 else f"_from_{low:g}_orders"
            out |= {f"{k}{suffix}": v for k, v in fit.parameters.items()}
        if self.shrunken is not None:
            what = "margin" if self.kind == "gamma_gamma" else "contribution"
            out |= {
                f"{what}_company_mean": self.shrunken.company_mean,
                f"{what}_variance_of_orders": self.shrunken.sigma2,
                f"{what}_variance_of_customers": self.shrunken.tau2,
            }
        return out

    def worth(self) -> OrderWorth:
        """What an order brings each customer: mean, variance around their own mean, and the variance of that mean."""
        assert self.shrunken is not None
        spend = self.spend
        of_mean, of_orders = self.shrunken.variance, np.full(len(self.per_order), self.shrunken.sigma2)
        # an order of nothing brought no less than nothing
        sums = (spend.unpaid_contribution, spend.margin_contribution, spend.contribution, self.per_order)
        is_bounded = all(bool((of >= 0).all()) for of in sums)
        lost = sum(float(np.minimum(of, 0.0).sum()) for of in (spend.unpaid_contribution, spend.margin_contribution))
        loss = -lost / max(float(spend.known.sum()), 1.0)
        if self.kind == "normal":
            return OrderWorth(self.per_order, of_orders, of_mean, is_bounded, loss)
        amount, among = np.empty(len(self.per_order)), np.empty(len(self.per_order))
        noise = np.empty(len(self.per_order))
        for code, fitted in enumerate(self.amounts):
            here = self.band == code
            shape, degrees = fitted.parameters["p"], fitted.parameters["q"]
            amount[here] = fitted.expected_amount(spend.paid[here], spend.mean_amount[here])
            among[here] = amount[here] ** 2 / np.maximum(shape * spend.paid[here] + degrees - 2, 0.5)
            noise[here] = (amount[here] ** 2 + among[here]) / shape
        margin = self.shrunken.mean
        share = np.zeros(len(amount)) if self.unpaid_share is None else self.unpaid_share
        paid = amount * margin
        of_paid = noise * margin**2 + np.maximum(amount, 0) * self.shrunken.sigma2
        apart = (1 - share) * (of_paid + paid**2) + share * (self.unpaid_deviation**2 + self.unpaid_mean**2)
        of_mean = (1 - share) ** 2 * (among * margin**2 + (amount**2 + among) * self.shrunken.variance)
        return OrderWorth(self.per_order, np.maximum(apart - self.per_order**2, 0.0), of_mean, is_bounded, loss)


def rank_correlation(spend: SpendHistory) -> float:
    """Spearman's correlation of orders and mean amount over customers with an order above zero; 0 where undefined."""
    seen = spend.paid > 0
    return spearman(spend.paid[seen], spend.mean_amount[seen])


@dataclass(frozen=True)
class SpendLearnt:
    """What the customers of one day say of anybody's orders. shrinkage: of margins, or of contribution; share: what part of
    orders is at or below zero in all, and like how many orders of a customer that counts. The rest: see ContributionFit."""

    kind: Kind
    correlation: float
    bands: Floats
    shrinkage: Shrinkage
    amounts: tuple[GammaGammaFit, ...] = ()
    share: tuple[float, float | None] = (0.0, None)
    unpaid_mean: float = 0.0
    unpaid_deviation: float = 0.0
    reason: str = ""

    def of(self, spend: SpendHistory) -> ContributionFit:
        """What an order brings each customer."""
        band = _band_of(spend, self.bands)
        if self.kind == "normal":
            group = band if len(self.bands) > 1 or spend.category is None else spend.category
            shrunken = self.shrinkage.of(spend.contribution, spend.known, group)
            return ContributionFit(
                "normal",
                shrunken.mean,
                self.correlation,
                self.bands,
                band,
                spend,
                shrunken=shrunken,
                reason=self.reason,
            )
        margin = self.shrinkage.of(spend.margin_contribution, spend.margin_revenue, spend.category)
        share = share_of(spend.unpaid, spend.orders, *self.share)
        amount = np.empty(len(spend.orders))
        for code, fitted in enumerate(self.amounts):
            here = band == code
            amount[here] = fitted.expected_amount(spend.paid[here], spend.mean_amount[here])
        return ContributionFit(
            "gamma_gamma",
            (1 - share) * amount * margin.mean + share * self.unpaid_mean,
            self.correlation,
            self.bands,
            band,
            spend,
            self.amounts,
            margin,
            share,
            self.unpaid_mean,
            self.unpaid_deviation,
            self.reason,
        )


def fit_contribution(kind: Kind, spend: SpendHistory) -> ContributionFit:
    """Fit `gamma_gamma` (the normal model, with a reason, where it cannot be fitted) or `normal` to these customers.

    Raises LifetimeError when no order's contribution is known.
    """
    return learn_contribution(kind, spend).of(spend)


def learn_contribution(kind: Kind, spend: SpendHistory, near: tuple[Floats, ...] = ()) -> SpendLearnt:
    """What is learnt of an order's worth from these customers. near: the tops that were found on like data, by band.

    Raises LifetimeError when no order's contribution is known.
    """
    if not spend.known.sum():
        raise LifetimeError("No order's contribution is known, so no contribution can be expected.")
    correlation = rank_correlation(spend)
    bands = _bands(spend.orders) if abs(correlation) > _CORRELATED else np.array([1.0])
    if kind == "normal":
        return _normal(spend, correlation, bands)
    if not spend.margin_revenue.sum():
        return replace(_normal(spend, correlation, bands), reason="no margin is known of an order above zero")
    reason = ""
    band = _band_of(spend, bands)
    starts = near if len(near) == len(bands) else (None,) * len(bands)
    try:
        amounts = tuple(
            fit_gamma_gamma(spend.paid[band == b], spend.mean_amount[band == b], start)
            for b, start in enumerate(starts)
        )
    except NotIdentified as why:
        if len(bands) == 1:
            return replace(_normal(spend, correlation, bands), reason=f"Gamma-Gamma: {why}")
        try:
            amounts = (fit_gamma_gamma(spend.paid, spend.mean_amount),)
        except NotIdentified as again:
            return replace(_normal(spend, correlation, bands), reason=f"Gamma-Gamma: {again}")
        reason = f"Gamma-Gamma by band of frequency: {why}; one for all"
        bands = np.array([1.0])
    own = np.where(spend.margin_revenue > 0, spend.margin_contribution**2 / _or_one(spend.margin_revenue), 0.0)
    within = float(np.maximum(spend.margin_squares - own, 0.0).sum())
    degrees = float(np.maximum(spend.margin_orders - 1, 0).sum())
    margin = learn_shrinkage(spend.margin_contribution, spend.margin_revenue, within, degrees, spend.category)
    count = float(spend.unpaid.sum())
    unpaid_mean = float(spend.unpaid_contribution.sum()) / count if count else 0.0
    unpaid_variance = float(spend.unpaid_squares.sum()) / count - unpaid_mean**2 if count else 0.0
    return SpendLearnt(
        "gamma_gamma",
        correlation,
        bands,
        margin,
        amounts,
        learn_share(spend.unpaid, spend.orders),
        unpaid_mean,
        float(np.sqrt(max(unpaid_variance, 0.0))),
        reason,
    )


def _band_of(spend: SpendHistory, bands: Floats) -> Integers:
    return np.maximum(np.searchsorted(bands, spend.orders, side="right") - 1, 0).astype(np.int64)


def _normal(spend: SpendHistory, correlation: float, bands: Floats) -> SpendLearnt:
    own = np.where(spend.known > 0, spend.contribution**2 / _or_one(spend.known), 0.0)
    within = float(np.maximum(spend.contribution_squares - own, 0.0).sum())
    degrees = float(np.maximum(spend.known - 1, 0).sum())
    group = _band_of(spend, bands) if len(bands) > 1 or spend.category is None else spend.category
    shrinkage = learn_shrinkage(spend.contribution, spend.known, within, degrees, group)
    return SpendLearnt("normal", correlation, bands, shrinkage)


def _or_one(values: Floats) -> Floats:
    return np.asarray(np.where(values > 0, values, 1.0))


def _bands(orders: Floats) -> Floats:
    """Lower ends of bands of the number of orders, doubling, each with enough customers."""
    lows = [1.0]
    for low in _BANDS[1:]:
        if (orders >= low).sum() < _LEAST_IN_BAND:
            break
        if ((orders >= lows[-1]) & (orders < low)).sum() >= _LEAST_IN_BAND:
            lows.append(float(low))
    return np.array(lows)
