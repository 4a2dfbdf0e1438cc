"""What was learnt of a company's customers at a day: once, whoever asks, and from the top of a month before.

What belongs here: which customers a model is fitted to, where its search begins, and keeping what was found in plain values,
so that it can be remembered and used again on later nights. What does not: the fits themselves, where they are remembered
(`clientela.value.step`), how long they stand (`clientela.value.settled`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from clientela.lifetime.arrays import Floats
from clientela.lifetime.contribution import ContributionFit, Kind, SpendLearnt, fit_contribution, learn_contribution
from clientela.lifetime.errors import NotIdentified
from clientela.lifetime.fitting import MODELS, SIMPLER, Beside, Fallback, FitWithHistory, PurchaseFit, fit, one_rate
from clientela.lifetime.gamma_gamma import GammaGammaFit
from clientela.lifetime.geometric_dropout import MBGCNBD
from clientela.lifetime.nbd import OneRate
from clientela.lifetime.purchase_model import PurchaseModel
from clientela.lifetime.shrinkage import Shrinkage

if TYPE_CHECKING:
    from clientela.lifetime.origins import Orders, Snapshot

#: what JSON can hold
Values = dict[str, Any]


@dataclass
class KeptFits:
    """By day and part, what was learnt then. held: on earlier nights; made: now, in order."""

    held: dict[tuple[date, str], Values] = field(default_factory=dict)
    made: dict[tuple[date, str], Values] = field(default_factory=dict)

    def take(self, day: date, part: str, make: Callable[[], Values]) -> Values:
        """The part of that day; made where it is not there."""
        key = day, part
        found = self.held.get(key)
        if found is None:
            found = self.made.get(key)
        if found is None:
            found = self.made[key] = make()
        return found

    def nearest(self, day: date, part: str) -> Values | None:
        """The same part of the last day before, else of the first one after; None where there is none."""
        days = [known for known, name in (*self.held, *self.made) if name == part and known != day]
        before = [known for known in days if known < day]
        near = max(before) if before else min(days, default=None)
        if near is None:
            return None
        return self.held.get((near, part)) or self.made.get((near, part))


def fitted_on(orders: "Orders", day: date, model: str) -> FitWithHistory:
    """The model as fitted to the customers known at a day; where that fails the next simpler one, one rate for all at the end,
    with what was given up."""
    given_up: list[Fallback] = []
    name = model
    while True:
        try:
            return FitWithHistory(fit_on(orders, day, name), given_up)
        except NotIdentified as why:
            given_up.append(Fallback(name, str(why)))
        if name not in SIMPLER:
            return FitWithHistory(one_rate_on(orders, day), given_up)
        name = SIMPLER[name]


def fit_on(orders: "Orders", day: date, model: str) -> PurchaseFit:
    """The model as fitted to the customers known at a day. Raises NotIdentified where they do not determine it."""
    values = orders.kept.take(day, model, lambda: _attempt(orders, day, model))
    if "why" in values:
        raise NotIdentified(values["why"])
    return _from_values(values)


def one_rate_on(orders: "Orders", day: date) -> PurchaseFit:
    """One rate for all customers known at a day."""
    values = orders.kept.take(day, OneRate.name, lambda: _as_values(one_rate(orders.learnt_from(day))))
    return _from_values(values)


def _attempt(orders: "Orders", day: date, model: str) -> Values:
    before = orders.kept.nearest(day, model) or {}
    near = {(model, int(k)): np.array(theta) for k, theta in before.get("thetas", {}).items()}
    nbd = None
    if MODELS[model].dropout_parameters and model != MBGCNBD.name:
        try:
            nbd = fit_on(orders, day, "nbd").log_likelihood
        except NotIdentified:
            nbd = -np.inf
    try:
        return _as_values(fit(model, orders.learnt_from(day), Beside(near, nbd)))
    except NotIdentified as why:
        return {"why": str(why)}


def _as_values(made: PurchaseFit) -> Values:
    k = getattr(made.model, "k", 1)
    tops: Mapping[int, Floats] = {k: made.theta, **made.others}
    return {
        "model": made.model.name,
        "k": k,
        "theta": _listed(made.theta),
        "covariance": [_listed(row) for row in made.covariance],
        "log_likelihood": made.log_likelihood,
        "customers": made.customers,
        "thetas": {str(number): _listed(top) for number, top in sorted(tops.items())},
    }


def _from_values(values: Values) -> PurchaseFit:
    name = values["model"]
    model: PurchaseModel
    if name == OneRate.name:
        model = OneRate()
    elif name == MBGCNBD.name:
        model = MBGCNBD(values["k"])
    else:
        model = MODELS[name]()
    return PurchaseFit(
        model,
        np.array(values["theta"], dtype=np.float64),
        np.array(values["covariance"], dtype=np.float64),
        values["log_likelihood"],
        values["customers"],
    )


def spend_on(orders: "Orders", s: "Snapshot", kind: Kind) -> ContributionFit:
    """What an order brings each customer of a snapshot, as it was learnt at its day. Raises LifetimeError when no order's
    contribution is known."""
    assert s.spend is not None
    if s.spend.category is not None:
        # categories have no lasting numbers
        return fit_contribution(kind, s.spend)
    learnt = _spend_from_values(orders.kept.take(s.as_of, f"spend {kind}", lambda: _learn_spend(orders, s, kind)))
    return learnt.of(s.spend)


def _learn_spend(orders: "Orders", s: "Snapshot", kind: Kind) -> Values:
    sample = s
    if orders.most_fitted is not None and len(s) > orders.most_fitted:
        sample = orders.at(s.as_of, at_most=orders.most_fitted)
    assert sample.spend is not None
    before = orders.kept.nearest(s.as_of, f"spend {kind}") or {}
    near = tuple(np.array(amount["theta"]) for amount in before.get("amounts", ()))
    learnt = learn_contribution(kind, sample.spend, near)
    shrinkage = learnt.shrinkage
    return {
        "kind": learnt.kind,
        "correlation": learnt.correlation,
        "bands": _listed(learnt.bands),
        "group_mean": _listed(shrinkage.group_mean),
        "company_mean": shrinkage.company_mean,
        "sigma2": shrinkage.sigma2,
        "tau2": shrinkage.tau2,
        "amounts": [
            {
                "theta": _listed(amount.theta),
                "covariance": [_listed(row) for row in amount.covariance],
                "log_likelihood": amount.log_likelihood,
                "customers": amount.customers,
            }
            for amount in learnt.amounts
        ],
        "share": list(learnt.share),
        "unpaid_mean": learnt.unpaid_mean,
        "unpaid_deviation": learnt.unpaid_deviation,
        "reason": learnt.reason,
    }


def _spend_from_values(values: Values) -> SpendLearnt:
    amounts = tuple(
        GammaGammaFit(
            np.array(amount["theta"]), np.array(amount["covariance"]), amount["log_likelihood"], amount["customers"]
        )
        for amount in values["amounts"]
    )
    share, believed = values["share"]
    return SpendLearnt(
        values["kind"],
        values["correlation"],
        np.array(values["bands"]),
        Shrinkage(np.array(values["group_mean"]), values["company_mean"], values["sigma2"], values["tau2"]),
        amounts,
        (share, believed),
        values["unpaid_mean"],
        values["unpaid_deviation"],
        values["reason"],
    )


def _listed(values: Floats) -> list[float]:
    return [float(value) for value in values]
