"""A hundred clean companies from each model, exact times, 20,000 customers: fits, expected orders and P(alive) against the truth.

What belongs here: the long proof that fits recover known truth. What does not: the short case of each, in tests/unit/lifetime.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, chi2

from clientela.lifetime import Histories, fit, fit_contracts, fit_gamma_gamma
from clientela.lifetime.fitting import MODELS, log_likelihood
from clientela.lifetime.geometric_dropout import MBGCNBD
from clientela.lifetime.purchase_histories import simulate_histories
from clientela.lifetime.purchase_model import PurchaseModel
from clientela.lifetime.scoring import equal_count_bins

COMPANIES = 100
CUSTOMERS = 20_000
HORIZON = 26.0
TRUTHS = {
    "nbd": {"r": 0.6, "alpha": 8.0},
    "bg_nbd": {"r": 0.5, "alpha": 5.0, "a": 0.8, "b": 2.5},
    "mbg_nbd": {"r": 0.8, "alpha": 6.0, "a": 0.7, "b": 2.0},
    "pareto_nbd": {"r": 0.8, "alpha": 9.0, "s": 0.7, "beta": 12.0},
    "mbg_cnbd_k": {"r": 0.9, "alpha": 3.0, "a": 0.5, "b": 2.0},
}

# Companies whose customers order often enough for their silence to tell who left. In TRUTHS four in ten customers of the
# MBG companies never order twice; there P(alive) is right under the true parameters, but the error of the fitted ones
# is larger than a bin of thousands of customers allows.
WELL_SEEN = {
    "bg_nbd": {"r": 2.0, "alpha": 2.0, "a": 1.0, "b": 6.0},
    "mbg_nbd": {"r": 2.0, "alpha": 2.0, "a": 1.0, "b": 6.0},
    "pareto_nbd": {"r": 2.0, "alpha": 3.0, "s": 1.0, "beta": 20.0},
    "mbg_cnbd_k": {"r": 2.0, "alpha": 1.0, "a": 1.0, "b": 6.0},
}

pytestmark = pytest.mark.prove


def model_of(name: str) -> PurchaseModel:
    return MBGCNBD(2) if name == "mbg_cnbd_k" else MODELS[name]()


def bins_outside(p_alive: np.ndarray, alive: np.ndarray) -> tuple[int, int]:
    """(bins whose living lie outside the 99.5 % binomial interval, bins)."""
    codes = equal_count_bins(p_alive)
    outside = 0
    for code in np.unique(codes):
        rows = codes == code
        low, high = binom.ppf([0.0025, 0.9975], rows.sum(), min(1.0, p_alive[rows].mean()))
        outside += not low <= alive[rows].sum() <= high
    return outside, len(np.unique(codes))


@pytest.mark.parametrize("name", list(TRUTHS))
def test_a_hundred_companies_are_fitted_and_forecast_as_they_were_made(name: str) -> None:
    truth = TRUTHS[name]
    theta = np.log(list(truth.values()))
    model = model_of(name)
    gains, scores, totals, silent, outside, bins = [], [], [], np.zeros(2, dtype=int), np.zeros(2, dtype=int), 0
    for company in range(COMPANIES):
        world = simulate_histories(name, truth, CUSTOMERS, seed=10_000 + company, horizon=HORIZON)
        h: Histories = world.histories
        found = fit(model, h)
        gains.append(2 * (found.log_likelihood - log_likelihood(model, theta, h)))
        scores.append((found.theta - theta) / np.sqrt(np.diag(found.covariance)))
        totals.append(found.expected_orders(h, HORIZON).sum() / world.future_orders.sum() - 1)
        right = replace(found, theta=theta)
        silent += bins_outside(right.p_order_within(h, HORIZON), world.future_orders > 0)
        if model.dropout_parameters:
            under_truth, of = bins_outside(model.p_alive(np.exp(theta), h), world.alive)
            outside += (under_truth, bins_outside(found.p_alive(h), world.alive)[0])
            bins += of
    z = np.array(scores)
    report = (
        f"{name}: gain below chi2 in {np.sum(np.array(gains) < chi2.ppf(0.99, len(theta)))}, "
        f"z mean {z.mean(axis=0).round(2)}, sd {z.std(axis=0, ddof=1).round(2)}, "
        f"orders expected over those that came: mean {np.mean(totals):+.4f}, sd {np.std(totals, ddof=1):.4f}, "
        f"P(order) under the truth outside in {silent[0]} of {silent[1]} bins, "
        f"P(alive) bins outside of {bins}: {outside[0]} under the truth, {outside[1]} as fitted"
    )
    print(report)
    assert min(gains) > -1e-6, report
    assert np.sum(np.array(gains) < chi2.ppf(0.99, len(theta))) >= 96, report
    assert np.all(np.abs(z.mean(axis=0)) <= 0.3), report
    assert np.all((z.std(axis=0, ddof=1) >= 0.8) & (z.std(axis=0, ddof=1) <= 1.2)), report
    assert abs(np.mean(totals)) <= 0.01, report
    assert silent[0] <= most_by_chance(silent[1]), report
    assert outside[0] <= most_by_chance(bins), report


@pytest.mark.parametrize("name", list(WELL_SEEN))
def test_p_alive_as_fitted_holds_in_every_bin_where_silence_tells_who_left(name: str) -> None:
    outside = bins = 0
    for company in range(COMPANIES):
        world = simulate_histories(name, WELL_SEEN[name], CUSTOMERS, seed=20_000 + company, ages=(40.0, 80.0))
        failed, of = bins_outside(fit(model_of(name), world.histories).p_alive(world.histories), world.alive)
        outside, bins = outside + failed, bins + of
    print(f"{name}: {outside} of {bins} bins outside as fitted")
    assert outside <= most_by_chance(bins)


def most_by_chance(bins: int) -> float:
    """A hundred companies make up to a thousand tests at 0.5 %: so many fail by chance once in a thousand times."""
    return float(binom.ppf(0.999, max(bins, 1), 0.005))


def test_gamma_gamma_finds_its_parameters_again() -> None:
    truth = {"p": 4.0, "q": 3.5, "gamma": 20.0}
    theta = np.log(list(truth.values()))
    scores = []
    for company in range(COMPANIES):
        rng = np.random.default_rng(company)
        orders = 1.0 + rng.poisson(2.0, CUSTOMERS)
        mean = rng.standard_gamma(truth["p"] * orders) / rng.gamma(truth["q"], 1 / truth["gamma"], CUSTOMERS) / orders
        found = fit_gamma_gamma(orders, mean)
        scores.append((found.theta - theta) / np.sqrt(np.diag(found.covariance)))
    z = np.array(scores)
    assert np.all(np.abs(z.mean(axis=0)) <= 0.3), z.mean(axis=0)
    assert np.all((z.std(axis=0, ddof=1) >= 0.8) & (z.std(axis=0, ddof=1) <= 1.2)), z.std(axis=0)


def test_sbg_finds_its_parameters_again() -> None:
    theta = np.log([0.7, 3.0])
    scores = []
    for company in range(COMPANIES):
        rng = np.random.default_rng(company)
        life = rng.geometric(np.maximum(rng.beta(0.7, 3.0, CUSTOMERS), 1e-12)).astype(np.float64)
        seen = rng.integers(3, 9, CUSTOMERS)
        found = fit_contracts(np.minimum(life, seen), life <= seen)
        scores.append((found.theta - theta) / np.sqrt(np.diag(found.covariance)))
    z = np.array(scores)
    assert np.all(np.abs(z.mean(axis=0)) <= 0.3), z.mean(axis=0)
    assert np.all((z.std(axis=0, ddof=1) >= 0.8) & (z.std(axis=0, ddof=1) <= 1.2)), z.std(axis=0)
