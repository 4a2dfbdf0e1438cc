"""Fitting a purchase model, and what a fitted one answers.

What belongs here: from histories to parameters with standard errors, the fall-back to simpler models, and the figures
asked of a fit. What does not: the models' formulas, intervals (spread.py), the choice among models (scoring.py).

The likelihood is taken over the distinct (x, t_x, T) with their counts. Covariates z act on the logarithm of alpha and of
the dropout parameters, ln alpha_i = ln alpha + z_i . g (Fader & Hardie 2007, note on time-invariant covariates, with the
sign turned for rates: a positive g on alpha means slower buying).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from clientela.lifetime.arrays import Floats, floats, positive
from clientela.lifetime.errors import LifetimeError, NotIdentified
from clientela.lifetime.geometric_dropout import BGNBD, MBGCNBD, MBGNBD
from clientela.lifetime.histories import FOLDED_FROM, Compressed, Histories
from clientela.lifetime.maximise import Maximum, Objective, maximise
from clientela.lifetime.nbd import NBD, OneRate
from clientela.lifetime.pareto_nbd import ParetoNBD
from clientela.lifetime.purchase_model import PurchaseModel

MODELS: dict[str, type[PurchaseModel]] = {m.name: m for m in (NBD, BGNBD, MBGNBD, ParetoNBD, MBGCNBD)}
SIMPLER = {"mbg_cnbd_k": "mbg_nbd", "pareto_nbd": "mbg_nbd", "mbg_nbd": "bg_nbd", "bg_nbd": "nbd"}
_NO_DROPOUT = "no dropout is visible: the likelihood is hardly above that of customers who never leave"
_SAMPLE = 4000
_RANGE = 14.0  # logarithms of parameters this far from 1 (in units of the mean age for times) are not plausible


@dataclass(frozen=True)
class PurchaseFit:
    """A fitted purchase model.

    theta: logarithms of the parameters, then the covariates' coefficients; covariance: of theta (inverse Hessian); others: of
    MBG/CNBD-k the tops of the k that were not taken.
    """

    model: PurchaseModel
    theta: Floats
    covariance: Floats
    log_likelihood: float
    customers: int
    covariates: int = 0
    others: Mapping[int, Floats] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def names(self) -> tuple[str, ...]:
        """One name per element of theta: parameters, then `alpha~0` for covariate 0 acting on alpha."""
        return _names(self.model, self.covariates)

    @property
    def parameters(self) -> dict[str, float]:
        """Parameters on their own scale; covariate coefficients as they are."""
        k = len(self.model.parameters)
        values = np.concatenate([np.exp(self.theta[:k]), self.theta[k:]])
        return dict(zip(self.names, map(float, values), strict=True))

    @property
    def standard_errors(self) -> dict[str, float]:
        """Standard errors on the scale of `parameters` (delta method from the Hessian)."""
        k = len(self.model.parameters)
        deviations = np.sqrt(np.diag(self.covariance))
        deviations[:k] *= np.exp(self.theta[:k])
        return dict(zip(self.names, map(float, deviations), strict=True))

    def rows(self, h: Histories, theta: Floats | None = None) -> Floats:
        """Parameters as the models want them: (k,), or (k, n) with covariates."""
        return _rows(self.model, self.theta if theta is None else theta, h, self.covariates)

    def p_alive(self, h: Histories) -> Floats:
        """P(alive at T), shape (n,)."""
        c = h.compressed()
        return self.model.p_alive(self.rows(c.rows), c.rows)[c.index]

    def expected_orders(self, h: Histories, horizon: object) -> Floats:
        """Expected orders in (T, T + horizon]; horizon one number or one per customer; shape (n,)."""
        t = floats(horizon, "horizon", minimum=0)
        if len(t) == 1:
            c = h.compressed()
            p = self.rows(c.rows)
            ahead = np.full(len(c.rows), t[0])
            return (self.model.p_alive(p, c.rows) * self.model.orders_if_alive(p, c.rows, ahead))[c.index]
        p = self.rows(h)
        return self.model.p_alive(p, h) * self.model.orders_if_alive(p, h, t)

    def expected_discounted_orders(self, h: Histories, horizon: float, delta: float) -> Floats:
        """Expected orders in (T, T + horizon], each times exp(-delta u) at its distance u; shape (n,)."""
        positive(horizon, "horizon", zero=True)
        c = h.compressed()
        p = self.rows(c.rows)
        alive = self.model.p_alive(p, c.rows)
        return (alive * self.model.discounted_if_alive(p, c.rows, float(horizon), delta))[c.index]

    def dert(self, h: Histories, delta: float) -> Floats:
        """Discounted expected residual transactions, infinite horizon; Pareto/NBD only; delta > 0 per time unit."""
        if not isinstance(self.model, ParetoNBD):
            raise LifetimeError("An infinite horizon (DERT) is defined here for Pareto/NBD only.")
        positive(delta, "delta")
        p = self.rows(h)
        return self.model.p_alive(p, h) * self.model.dert(p, h, delta)

    def p_order_within(self, h: Histories, horizon: float) -> Floats:
        """P(at least one order in (T, T + horizon]), being alive or not taken into account; shape (n,)."""
        positive(horizon, "horizon", zero=True)
        c = h.compressed()
        p = self.rows(c.rows)
        within = self.model.order_within_if_alive(p, c.rows, np.full(len(c.rows), float(horizon)))
        return (self.model.p_alive(p, c.rows) * within)[c.index]

    def median_next_order(self, h: Histories) -> Floats:
        """Median time from T to the next order, given alive until it; at most purchase_model.FAR; shape (n,)."""
        c = h.compressed()
        return self.model.median_next_order(self.rows(c.rows), c.rows)[c.index]


@dataclass(frozen=True)
class Fallback:
    """A model that could not be used, and why."""

    model: str
    reason: str


@dataclass(frozen=True)
class FitWithHistory:
    """The fit that is used, and the models given up on the way to it."""

    fit: PurchaseFit
    fallbacks: list[Fallback] = field(default_factory=list)


@dataclass(frozen=True)
class Beside:
    """What is known beside the customers to be fitted. near: by the model (and k) the top of like data; nbd: their
    log-likelihood by NBD, minus infinity where it could not be fitted."""

    near: Mapping[tuple[str, int], Floats] = field(default_factory=dict)
    nbd: float | None = None

    def near_to(self, model: PurchaseModel) -> Floats | None:
        """Where the search for this model begins, if that is known."""
        return self.near.get((model.name, getattr(model, "k", 1)))


NOTHING_BESIDE = Beside()


def fit(model: str | PurchaseModel, h: Histories | Compressed, beside: Beside = NOTHING_BESIDE) -> PurchaseFit:
    """Fit one model by maximum likelihood. Raises NotIdentified with the reason when the data do not determine it.

    `mbg_cnbd_k` given by name tries k = 2, 3, 4 and keeps the k of greatest likelihood; it needs `log_gaps`.
    """
    c = h if isinstance(h, Compressed) else h.compressed()
    if isinstance(model, str):
        if model not in MODELS:
            raise LifetimeError(f"There is no purchase model {model!r}; there are {', '.join(MODELS)}.")
        if model == MBGCNBD.name:
            return _best_regularity(c, beside)
        return _fit(MODELS[model](), c, beside)
    return _fit(model, c, beside)


def fit_or_simpler(model: str, h: Histories | Compressed) -> FitWithHistory:
    """Fit `model`; where that fails record why and try the next simpler one: NBD, and one rate for all at the very end.

    Raises LifetimeError only when nobody has been observed for any length of time.
    """
    c = h if isinstance(h, Compressed) else h.compressed()
    given_up: list[Fallback] = []
    name = model
    while True:
        try:
            return FitWithHistory(fit(name, c), given_up)
        except NotIdentified as why:
            given_up.append(Fallback(name, str(why)))
        if name not in SIMPLER:
            return FitWithHistory(one_rate(c), given_up)
        name = SIMPLER[name]


def one_rate(c: Compressed) -> PurchaseFit:
    """What can be said of any customers: NBD of the likeliest shape among a few, its rate (repeat orders + 1/2) / time.

    Raises LifetimeError when nobody has been observed for any length of time.
    """
    exposure, orders = float(c.counts @ c.rows.T), float(c.counts @ c.rows.x) + 0.5
    if exposure <= 0:
        raise LifetimeError(
            "All customers came on the as-of day: no time has passed from which to learn how often they buy."
        )
    bare = Compressed(Histories(c.rows.x, c.rows.t_x, c.rows.T), c.counts, c.index)
    model = OneRate()
    found: list[tuple[float, Floats]] = []
    for r in (1.0, 10.0, 100.0, 1000.0, 10_000.0):
        theta = np.log([r, r * exposure / orders])
        found.append((log_likelihood(model, theta, bare), theta))
    value, theta = max(found, key=lambda pair: pair[0])
    covariance = np.diag([0.0, 1 / orders])
    return PurchaseFit(model, theta, covariance, value, len(c.index))


def fit_by_segment(
    model: str, h: Histories, segments: NDArray[np.int64], *, least: int = 500
) -> Mapping[int, FitWithHistory]:
    """One fit per segment (or cohort) of at least `least` customers; key -1 is the fit on everybody, for the others."""
    labels = np.asarray(segments)
    if labels.shape != h.x.shape:
        raise LifetimeError("segments must hold one label per customer.")
    out: dict[int, FitWithHistory] = {-1: fit_or_simpler(model, h)}
    for label in np.unique(labels):
        rows = labels == label
        if rows.sum() >= least:
            out[int(label)] = fit_or_simpler(model, h[rows])
    return out


def log_likelihood(model: PurchaseModel, theta: Floats, h: Histories | Compressed) -> float:
    """The log-likelihood of all customers at theta (logarithms of parameters, then covariate coefficients)."""
    c = h if isinstance(h, Compressed) else h.compressed()
    m = 0 if c.rows.covariates is None else c.rows.covariates.shape[1]
    value, _ = _objective(model, c.rows, c.counts, m)(np.asarray(theta, dtype=np.float64))
    return value + _regularity(model, c)


def _regularity(model: PurchaseModel, c: Compressed) -> float:
    """The part of MBG/CNBD-k's likelihood that only the gaps carry; compressed rows hold zeros in its place."""
    return (model.k - 1) * c.log_gaps_total if isinstance(model, MBGCNBD) else 0.0


def _best_regularity(c: Compressed, beside: Beside) -> PurchaseFit:
    if c.rows.log_gaps is None:
        raise NotIdentified("the gaps between orders were not given, so their regularity cannot be learnt")
    found: dict[int, PurchaseFit] = {}
    refused: NotIdentified | None = None
    for k in (2, 3, 4):
        try:
            found[k] = _fit(MBGCNBD(k), c, beside)
        except NotIdentified as why:
            refused = why
    if not found:
        assert refused is not None
        raise refused
    best = max(found, key=lambda k: (found[k].log_likelihood, -k))
    return replace(found[best], others={k: of.theta for k, of in found.items() if k != best})


def _fit(model: PurchaseModel, c: Compressed, beside: Beside = NOTHING_BESIDE) -> PurchaseFit:
    rows, counts = c.rows, c.counts
    n = float(counts.sum())
    exposure, orders = float(counts @ rows.T), float(counts @ rows.x)
    if exposure <= 0:
        raise NotIdentified("nobody has been observed for any length of time")
    if orders == 0:
        raise NotIdentified("nobody has ordered twice")
    mean_T, rate = exposure / n, orders / exposure
    m = 0 if rows.covariates is None else rows.covariates.shape[1]
    names = _names(model, m)
    starts = [np.concatenate([s, np.zeros(len(names) - len(s))]) for s in model.starts(mean_T, rate)]
    times = {"alpha", "beta"}
    centre = [np.log(mean_T) if name in times else 0.0 for name in model.parameters]
    centre += [0.0] * (len(names) - len(centre))
    bounds = [(middle - _RANGE, middle + _RANGE) for middle in centre]
    objective = _objective(model, rows, counts, m)
    rough, like = None, c
    if m and len(rows) > 2 * _SAMPLE:
        rough = _sampled(model, rows, counts, m)
    elif not m and len(rows) >= FOLDED_FROM:
        like = c.folded()
        rough = _objective(model, like.rows, like.counts, 0)
    least = enough = None
    if model.dropout_parameters and (without := _without_dropout(model, c, beside)) is not None:
        # two dropout parameters must buy more than chance would: else nobody is seen to leave
        least = enough = without + float(chdtri(2, 0.05)) / 2
        if rough is not None:
            on_like = None if m else _without_dropout(model, like, NOTHING_BESIDE)
            enough = None if on_like is None else on_like + float(chdtri(2, 0.05)) / 2
    try:
        # the likelihoods have one top in practice: the other starts are for where the first does not lead there
        at_least = None if enough is None else (enough, _NO_DROPOUT)
        top: Maximum = maximise(
            objective, starts[:1], bounds, rough=rough, near=beside.near_to(model), at_least=at_least
        )
    except NotIdentified as why:
        if str(why) == _NO_DROPOUT:
            raise
        top = maximise(objective, starts[1:], bounds, rough=rough)
    if least is not None and top.log_likelihood < least:
        raise NotIdentified(_NO_DROPOUT)
    value = top.log_likelihood + _regularity(model, c)
    return PurchaseFit(model, top.theta, top.covariance, value, int(n), m)


def _without_dropout(model: PurchaseModel, c: Compressed, beside: Beside) -> float | None:
    """The log-likelihood of customers who never leave, which a model with dropout is held against; None for no test."""
    if isinstance(model, MBGCNBD):
        return None
    if beside.nbd is not None:
        return beside.nbd if np.isfinite(beside.nbd) else None
    bare = Compressed(Histories(c.rows.x, c.rows.t_x, c.rows.T), c.counts, c.index)
    try:
        return _fit(NBD(), bare).log_likelihood
    except NotIdentified:
        return None


def _sampled(model: PurchaseModel, rows: Histories, counts: Floats, m: int) -> Objective:
    """The objective on some of the distinct rows: the commonest, and an even share of the rest with more weight."""
    order = np.argsort(-counts, kind="stable")
    head, tail = order[: _SAMPLE // 2], order[_SAMPLE // 2 :]
    step = max(1, len(tail) // (_SAMPLE // 2))
    # The tail is taken evenly over (x, t_x, T) as the rows stand, so that it resembles the whole.
    tail = np.sort(tail)[::step]
    chosen = np.concatenate([head, tail])
    weight = counts[chosen].copy()
    weight[len(head) :] *= (counts.sum() - counts[head].sum()) / max(float(counts[tail].sum()), 1.0)
    return _objective(model, rows[chosen], weight, m)


def _objective(model: PurchaseModel, rows: Histories, counts: Floats, m: int) -> Objective:
    k = len(model.parameters)
    moved = [i for i, name in enumerate(model.parameters) if name in model.rate_parameters + model.dropout_parameters]

    def objective(theta: Floats) -> tuple[float, Floats]:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            value, slopes = model.log_likelihood(_rows(model, theta, rows, m), rows)
            gradient = np.empty(len(theta))
            for i in range(k):
                gradient[i] = counts @ slopes[i]
            if m:
                assert rows.covariates is not None
                for at, i in enumerate(moved):
                    gradient[k + at * m : k + (at + 1) * m] = rows.covariates.T @ (counts * slopes[i])
            return float(counts @ value), gradient

    return objective


def _rows(model: PurchaseModel, theta: Floats, h: Histories, m: int) -> Floats:
    k = len(model.parameters)
    if not m:
        return np.exp(theta[:k])
    if h.covariates is None or h.covariates.shape[1] != m:
        raise LifetimeError(f"This model was fitted with {m} covariates; the histories must carry them.")
    out = np.tile(theta[:k, None], (1, len(h)))
    moved = [i for i, name in enumerate(model.parameters) if name in model.rate_parameters + model.dropout_parameters]
    for at, i in enumerate(moved):
        out[i] += h.covariates @ theta[k + at * m : k + (at + 1) * m]
    return np.exp(out)


def _names(model: PurchaseModel, m: int) -> tuple[str, ...]:
    moved = [name for name in model.parameters if name in model.rate_parameters + model.dropout_parameters]
    return model.parameters + tuple(f"{name}~{j}" for name in moved for j in range(m))
