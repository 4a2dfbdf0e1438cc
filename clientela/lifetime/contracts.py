"""Contracts that end by a visible act: shifted beta-geometric (sBG) and beta-discrete-Weibull (BdW).

What belongs here: fitting renewals, survival, retention, residual lifetime. What does not: customers who just stop buying.

sBG: Fader & Hardie 2007 (J. Interactive Marketing 21); BdW: Fader, Hardie, Liu, Davin & Steenburgh 2018 (same journal 43);
discounted expected residual lifetime: Fader & Hardie 2010 (Marketing Science 29).
Time is counted in renewal periods. S(t) = B(alpha, beta + t^c) / B(alpha, beta), c = 1 for sBG.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, digamma, gammaln

from clientela.lifetime.arrays import Floats, floats, same_length
from clientela.lifetime.errors import LifetimeError, NotIdentified
from clientela.lifetime.maximise import maximise


@dataclass(frozen=True)
class ContractFit:
    """A fitted sBG (theta of two) or BdW (three): theta holds ln alpha, ln beta and ln c."""

    name: str
    theta: Floats
    covariance: Floats
    log_likelihood: float
    customers: float
    reason: str = ""

    @property
    def parameters(self) -> dict[str, float]:
        """alpha, beta and, for BdW, c."""
        return dict(zip(("alpha", "beta", "c"), map(float, np.exp(self.theta)), strict=False))

    @property
    def standard_errors(self) -> dict[str, float]:
        """On the scale of `parameters`."""
        deviations = np.sqrt(np.diag(self.covariance)) * np.exp(self.theta)
        return dict(zip(("alpha", "beta", "c"), map(float, deviations), strict=False))

    def survival(self, periods: object) -> Floats:
        """S(t): share of contracts still running after t renewals, shape as given, t >= 0."""
        return np.exp(_log_survival(self.theta, floats(periods, "periods", minimum=0)))

    def retention(self, periods: object) -> Floats:
        """r(t) = S(t) / S(t-1): share of those who came to renewal t that renew, t >= 1."""
        t = floats(periods, "periods", minimum=1)
        return np.exp(_log_survival(self.theta, t) - _log_survival(self.theta, t - 1))

    def p_running_after(self, age: object, periods: float | Floats) -> Floats:
        """P(still running after `periods` more renewals, one number or one each) of contracts that have renewed `age` times."""
        n = floats(age, "age", minimum=0)
        return np.exp(_log_survival(self.theta, n + periods) - _log_survival(self.theta, n))


def draw_survival(theta: Floats, age: float, renewals: int) -> Floats:
    """P(still running after 1, 2 … more renewals) of a contract of this age under each parameter draw: (draws, renewals).
    theta: (draws, parameters)."""
    each = theta.T[:, :, None]
    t = age + np.arange(1, renewals + 1, dtype=np.float64)
    return np.exp(_log_survival(each, t) - _log_survival(each, np.array([age])))


def _log_survival(theta: Floats, t: Floats) -> Floats:
    alpha, beta = np.exp(theta[0]), np.exp(theta[1])
    power = t if len(theta) == 2 else t ** np.exp(theta[2])
    return np.asarray(gammaln(beta + power) - gammaln(alpha + beta + power) + gammaln(alpha + beta) - gammaln(beta))


def _log_survival_slopes(theta: Floats, t: Floats) -> list[Floats]:
    alpha, beta = np.exp(theta[0]), np.exp(theta[1])
    c = 1.0 if len(theta) == 2 else np.exp(theta[2])
    power = t**c
    ab, abt = digamma(alpha + beta), digamma(alpha + beta + power)
    bt = digamma(beta + power)
    slopes = [alpha * (ab - abt), beta * (bt - abt + ab - digamma(beta))]
    if len(theta) == 3:
        slopes.append((bt - abt) * power * c * np.log(np.where(t > 0, t, 1.0)))
    return slopes


def fit_contracts(
    age: object,
    ended: object,
    counts: object | None = None,
    *,
    entered: object | None = None,
    model: str = "sbg",
) -> ContractFit:
    """Fit `sbg` or `bdw` to contracts.

    age: shape (n,), renewals seen through (whole): for an ended contract the period in which it was not renewed (from
    1), for a running one the renewals it has survived (it is right-censored there). ended: shape (n,), true or false.
    counts: contracts per row. entered: renewals that each had survived when it came into sight (it is left-truncated there:
    the likelihood is that of what followed, given that it was alive then); default 0.
    Raises NotIdentified when the data do not determine the parameters.
    """
    t = floats(age, "age", minimum=0)
    end = np.asarray(ended, dtype=bool)
    weight = np.ones(len(t)) if counts is None else floats(counts, "counts", minimum=0)
    same_length(age=t, counts=weight)
    if end.shape != t.shape:
        raise LifetimeError("ended must hold one value per contract.")
    if (t[end] < 1).any():
        raise LifetimeError("An ended contract has an age of at least 1, the renewal at which it was not renewed.")
    if model not in {"sbg", "bdw"}:
        raise LifetimeError(f"There is no contract model {model!r}; there are sbg and bdw.")
    begun = np.zeros(len(t)) if entered is None else floats(entered, "entered", minimum=0)
    same_length(age=t, entered=begun)
    if (begun > t - end).any():
        raise LifetimeError("A contract comes into sight before its last renewal is decided.")
    if not weight[end].sum():
        raise NotIdentified("no contract has ended")
    if not weight[(t - end > begun)].sum():
        raise NotIdentified("no contract has been renewed")
    table, index = np.unique(np.stack([t, end, begun]), axis=1, return_inverse=True)
    weight = np.asarray(np.bincount(index.ravel(), weights=weight), dtype=np.float64)
    t, end, begun = table[0], table[1] == 1, table[2]

    def objective(theta: Floats) -> tuple[float, Floats]:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            here = _log_survival(theta, t)
            before = _log_survival(theta, np.maximum(t - 1, 0))
            gap = np.where(end, here - before, -1.0)
            value = np.where(end, before + np.log(-np.expm1(gap)), here) - _log_survival(theta, begun)
            odds = 1 / np.expm1(-gap)  # S(t) / (S(t-1) - S(t))
            slopes = [
                float(weight @ (np.where(end, b - odds * (s - b), s) - e))
                for s, b, e in zip(
                    _log_survival_slopes(theta, t),
                    _log_survival_slopes(theta, np.maximum(t - 1, 0)),
                    _log_survival_slopes(theta, begun),
                    strict=True,
                )
            ]
            return float(weight @ value), np.array(slopes)

    k = 2 if model == "sbg" else 3
    starts = [
        np.log([a, b, c][:k]) for a, b, c in ((0.7, 1.5, 1.0), (1.0, 5.0, 1.2), (3.0, 20.0, 0.8), (0.5, 0.5, 1.5))
    ]
    bounds = [(-10.0, 10.0), (-10.0, 10.0), (-3.0, 3.0)][:k]
    top = maximise(objective, starts, bounds)
    return ContractFit(model, top.theta, top.covariance, top.log_likelihood, float(weight.sum()))


def fit_contracts_chosen(
    age: object, ended: object, counts: object | None = None, *, entered: object | None = None
) -> ContractFit:
    """sBG, or BdW where a likelihood-ratio test prefers it at 1 %; `reason` says which and why."""
    simple = fit_contracts(age, ended, counts, entered=entered, model="sbg")
    try:
        richer = fit_contracts(age, ended, counts, entered=entered, model="bdw")
    except NotIdentified as why:
        return _with_reason(simple, f"sBG: BdW could not be fitted ({why})")
    gain = 2 * (richer.log_likelihood - simple.log_likelihood)
    chance = float(chdtrc(1, max(gain, 0.0)))
    if chance < 0.01:
        return _with_reason(richer, f"BdW: the likelihood-ratio test against sBG gives p = {chance:.2g}, below 1 %")
    return _with_reason(simple, f"sBG: the likelihood-ratio test does not prefer BdW (p = {chance:.2g})")


def _with_reason(fit: ContractFit, reason: str) -> ContractFit:
    return ContractFit(fit.name, fit.theta, fit.covariance, fit.log_likelihood, fit.customers, reason)
