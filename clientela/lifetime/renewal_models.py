"""How probable a contract's next renewals are: one rate for all, a curve of tenure, or a regression on what is known of it.

What belongs here: fitting each candidate to contracts as known on a day, survival over the next renewals, its draws. What does
not: the choice among them (renewal_choice.py), dates (contract_history.py), sBG and BdW themselves (contracts.py).

All three learn from renewals that fell after a contract came into sight (`entered`: left truncation), and from a running one
that it was renewed so far (right-censoring). The regression is that of a discrete-time hazard: a logistic regression of whether
each renewal failed (Singer & Willett 1993, J. Educational Statistics 18; Allison 1982), with a ridge that makes rare
products and terms alike.
"""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import polars as pl
from scipy.special import expit

from clientela.lifetime.arrays import Floats
from clientela.lifetime.contracts import ContractFit, draw_survival, fit_contracts_chosen
from clientela.lifetime.errors import NotIdentified

#: simplest first
CANDIDATES = ("one_renewal_rate", "tenure_curve", "renewal_regression")
DEFAULT = "tenure_curve"
#: below so many contracts nothing but one rate is fitted
LEAST_CONTRACTS = 30
#: what tells contracts of the same age apart
CELL = ("period_months", "term_months", "product")
_MOST_PRODUCTS, _LEAST_OF_PRODUCT = 20, 20
#: 1 / variance of what is believed of a log-odds before the data: of a product or term, and of what all share
_RIDGE, _WEAK_RIDGE = 1.0, 0.04


class PeriodFit(Protocol):
    """What was fitted to all contracts of one length of period."""

    @property
    def name(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def log_likelihood(self) -> float: ...
    @property
    def customers(self) -> float: ...
    @property
    def parameters(self) -> dict[str, float]: ...
    @property
    def standard_errors(self) -> dict[str, float]: ...
    def p_running_after(self, age: object, periods: float | Floats) -> Floats: ...


@dataclass(frozen=True)
class OneRate:
    """One renewal rate: renewals and ends, half of each added, so that it is neither 0 nor 1."""

    ends: float
    renewed: float
    customers: float
    reason: str
    name: str = "one_renewal_rate"
    log_likelihood: float = 0.0

    @property
    def rate(self) -> float:
        """The share of due renewals that come."""
        return self.renewed / (self.renewed + self.ends)

    @property
    def parameters(self) -> dict[str, float]:
        """The rate."""
        return {"renewal_rate": self.rate}

    @property
    def standard_errors(self) -> dict[str, float]:
        """Of a beta distribution with these counts."""
        return {"renewal_rate": float(np.sqrt(self.rate * (1 - self.rate) / (self.renewed + self.ends + 1)))}

    def p_running_after(self, age: object, periods: float | Floats) -> Floats:
        """The rate to the power of renewals, whatever the age."""
        return np.asarray(self.rate ** (np.zeros(len(np.atleast_1d(np.asarray(age)))) + periods))


class RenewalModel(Protocol):
    """A fitted candidate. `cell` is a row's (period_months, term_months, product)."""

    @property
    def name(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def fits(self) -> dict[int, PeriodFit]: ...

    def survival(self, cell: tuple[int, int, str], age: float, renewals: int) -> Floats:
        """P(running after 1, 2 … more renewals) of a contract of this age: (renewals,)."""

    def draws(self, draws: int, rng: np.random.Generator) -> "RenewalDraws":
        """The same under draws of the parameters."""


class RenewalDraws(Protocol):
    """Survival under parameter draws."""

    def survival(self, cell: tuple[int, int, str], age: float, renewals: int) -> Floats:
        """(draws, renewals)."""


def fit_renewals(candidate: str, known: pl.DataFrame) -> RenewalModel:
    """Fit a candidate to what `contract_history.known_contracts` gives."""
    counted = known.group_by(*CELL, "entered", "age", "has_failed").len().sort(*CELL, "entered", "age", "has_failed")
    why = ""
    if candidate == "renewal_regression":
        try:
            return _fit_regression(counted)
        except NotIdentified as finding:
            candidate, why = "tenure_curve", f"no regression: {finding}; "
    fits: dict[int, PeriodFit] = {}
    for (months,), group in counted.group_by("period_months", maintain_order=True):
        fits[int(months)] = _fit_period(candidate, group, why)  # type: ignore[call-overload]
    return ByPeriod(fits)


@dataclass(frozen=True)
class ByPeriod:
    """One fit per length of period: one rate, or a curve of tenure."""

    fits: dict[int, PeriodFit]

    @property
    def name(self) -> str:
        """The models used, in words."""
        return ", ".join(dict.fromkeys(f.name for f in self.fits.values()))

    @property
    def reason(self) -> str:
        """Why these models, one sentence per length of period."""
        return "; ".join(
            f"contracts paid every {'month' if months == 1 else f'{months} months'}: {f.reason}"
            for months, f in self.fits.items()
        )

    def survival(self, cell: tuple[int, int, str], age: float, renewals: int) -> Floats:
        return self.fits[cell[0]].p_running_after(np.full(renewals, age), np.arange(1.0, renewals + 1))

    def draws(self, draws: int, rng: np.random.Generator) -> RenewalDraws:
        drawn: dict[int, Floats] = {}
        for months, fit in self.fits.items():
            if isinstance(fit, OneRate):
                drawn[months] = rng.beta(fit.renewed, fit.ends, size=draws)
            else:
                assert isinstance(fit, ContractFit)
                drawn[months] = rng.multivariate_normal(fit.theta, fit.covariance, size=draws, method="eigh")
        return _DrawsByPeriod(drawn)


@dataclass(frozen=True)
class _DrawsByPeriod:
    drawn: dict[int, Floats]

    def survival(self, cell: tuple[int, int, str], age: float, renewals: int) -> Floats:
        drawn = self.drawn[cell[0]]
        if drawn.ndim == 1:
            return np.asarray(drawn[:, None] ** np.arange(1.0, renewals + 1))
        return draw_survival(drawn, age, renewals)


def _fit_period(candidate: str, group: pl.DataFrame, why: str) -> PeriodFit:
    entered, age = (group.get_column(name).to_numpy() for name in ("entered", "age"))
    ended = group.get_column("has_failed").to_numpy()
    counts = group.get_column("len").to_numpy().astype(float)
    reason = "one rate is the simplest candidate that does as well as any"
    if candidate == "tenure_curve":
        try:
            if counts.sum() < LEAST_CONTRACTS:
                contracts = int(counts.sum())
                raise NotIdentified(
                    f"{contracts} {'contract is' if contracts == 1 else 'contracts are'} too few to fit"
                )
            found = fit_contracts_chosen(age, ended, counts, entered=entered)
            reason = why + found.reason
            return ContractFit(found.name, found.theta, found.covariance, found.log_likelihood, found.customers, reason)
        except NotIdentified as finding:
            reason = f"{why}one rate: {finding}"
    ends = float(counts[ended].sum())
    renewed = float(counts @ (age - ended - entered))
    return OneRate(ends + 0.5, renewed + 0.5, float(counts.sum()), reason)


@dataclass(frozen=True)
class Regression:
    """log-odds that a renewal fails = features x theta; `names` of the features, in the order of theta."""

    names: tuple[str, ...]
    theta: Floats
    covariance: Floats
    log_likelihood: float
    customers: float
    reason: str
    name: str = "renewal_regression"
    fits: dict[int, PeriodFit] = field(default_factory=dict)

    @property
    def parameters(self) -> dict[str, float]:
        """By the feature's name."""
        return dict(zip(self.names, map(float, self.theta), strict=True))

    @property
    def standard_errors(self) -> dict[str, float]:
        """By the feature's name."""
        return dict(zip(self.names, map(float, np.sqrt(np.diag(self.covariance))), strict=True))

    def survival(self, cell: tuple[int, int, str], age: float, renewals: int) -> Floats:
        return np.asarray(np.cumprod(1 - expit(self._features(cell, age, renewals) @ self.theta)), dtype=np.float64)

    def draws(self, draws: int, rng: np.random.Generator) -> RenewalDraws:
        theta = rng.multivariate_normal(self.theta, self.covariance, size=draws, method="eigh")
        return _RegressionDraws(self, theta)

    def _features(self, cell: tuple[int, int, str], age: float, renewals: int) -> Floats:
        months, term, product = cell
        k = age + np.arange(1, renewals + 1, dtype=np.float64)
        return _features(self.names, np.full(renewals, months), np.full(renewals, term), [product] * renewals, k)


@dataclass(frozen=True)
class _RegressionDraws:
    fit: Regression
    theta: Floats

    def survival(self, cell: tuple[int, int, str], age: float, renewals: int) -> Floats:
        failing = expit(self.theta @ self.fit._features(cell, age, renewals).T)
        return np.asarray(np.cumprod(1 - failing, axis=1), dtype=np.float64)


def _features(
    names: tuple[str, ...], months: np.ndarray, terms: np.ndarray, products: list[str], renewal: Floats
) -> Floats:
    """(rows, features) of renewals number `renewal`, counted from 1."""
    tenure = months * renewal
    product = np.asarray(products, dtype=object)
    columns = []
    for name in names:
        kind, _, of = name.partition(" ")
        if kind == "period":
            column = months == int(of)
        elif kind == "term":
            column = terms == int(of)
        elif kind == "product":
            column = product == of
        elif name == "first_renewal":
            column = renewal == 1
        elif name == "term_over":
            column = (terms > months) & (tenure % terms == 0)
        else:
            column = np.log(tenure / 12)
        columns.append(column.astype(np.float64))
    return np.stack(columns, axis=1)


def _fit_regression(counted: pl.DataFrame) -> Regression:
    contracts = float(counted.get_column("len").sum())
    if contracts < LEAST_CONTRACTS:
        raise NotIdentified(f"{int(contracts)} contracts are too few to fit one")
    renewals = (
        counted.with_columns(
            renewal=pl.int_ranges(pl.col("entered").cast(pl.Int64) + 1, pl.col("age").cast(pl.Int64) + 1)
        )
        .explode("renewal")
        .drop_nulls("renewal")
        .with_columns(failed=pl.col("len") * (pl.col("has_failed") & (pl.col("renewal") == pl.col("age"))))
        .group_by(*CELL, "renewal")
        .agg(due=pl.col("len").sum(), failed=pl.col("failed").sum())
        .sort(*CELL, "renewal")
    )
    due = renewals.get_column("due").to_numpy().astype(float)
    failed = renewals.get_column("failed").to_numpy().astype(float)
    if not failed.sum() or failed.sum() == due.sum():
        raise NotIdentified("no contract has ended" if not failed.sum() else "no contract has been renewed")
    names, is_shared = _named(counted, renewals)
    x = _features(
        names,
        renewals.get_column("period_months").to_numpy(),
        renewals.get_column("term_months").to_numpy(),
        renewals.get_column("product").to_list(),
        renewals.get_column("renewal").to_numpy().astype(float),
    )
    ridge = np.where(is_shared, _WEAK_RIDGE, _RIDGE)
    start = float(np.log(failed.sum() / (due.sum() - failed.sum())))
    theta = np.where([n.startswith("period ") for n in names], start, 0.0)

    def objective(beta: Floats) -> float:
        z = x @ beta
        return float(failed @ z - due @ np.logaddexp(0, z) - 0.5 * ridge @ (beta - theta_0) ** 2)

    theta_0 = theta.copy()
    value = objective(theta)
    for _ in range(100):
        p = expit(x @ theta)
        gradient = x.T @ (failed - due * p) - ridge * (theta - theta_0)
        curvature = (x * (due * p * (1 - p))[:, None]).T @ x + np.diag(ridge)
        step = np.linalg.solve(curvature, gradient)
        if float(gradient @ step) < 1e-9:
            break
        for halving in range(30):
            there = theta + step * 0.5**halving
            new = objective(there)
            if new > value:
                break
        else:
            break
        theta, value = there, new
    p = expit(x @ theta)
    curvature = (x * (due * p * (1 - p))[:, None]).T @ x + np.diag(ridge)
    likelihood = float(failed @ (x @ theta) - due @ np.logaddexp(0, x @ theta))
    reason = f"a regression of {int(due.sum())} renewals on tenure, term and product"
    return Regression(names, theta, np.linalg.inv(curvature), likelihood, contracts, reason)


def _named(counted: pl.DataFrame, renewals: pl.DataFrame) -> tuple[tuple[str, ...], Floats]:
    """The features that differ among these renewals, and which of them all contracts share."""
    periods = sorted(counted.get_column("period_months").unique().to_list())
    names = [f"period {months}" for months in periods] + ["log_years"]
    if (renewals.get_column("renewal") == 1).any() and (renewals.get_column("renewal") > 1).any():
        names.append("first_renewal")
    terms = counted.group_by("term_months").agg(pl.col("len").sum()).sort("len", "term_months", descending=True)
    if counted.select((pl.col("term_months") > pl.col("period_months")).any()).item():
        names.append("term_over")
    shown = {(months,) for months in periods}
    names += [
        f"term {term}"
        for term in terms.get_column("term_months").to_list()[1:6]
        if len(periods) == 1 or (term,) not in shown
    ]
    products = counted.group_by("product").agg(pl.col("len").sum()).sort("len", "product", descending=True)
    enough = products.filter(pl.col("len") >= _LEAST_OF_PRODUCT).get_column("product").to_list()
    names += [f"product {product}" for product in enough[1 : _MOST_PRODUCTS + 1]]
    return tuple(names), np.array([not name.startswith(("product ", "term ")) for name in names], dtype=np.float64)
