"""The models give the figures their authors published, on the authors' data."""

import numpy as np
import pytest

from clientela.lifetime import Histories, fit, fit_contracts, fit_contracts_chosen, fit_gamma_gamma, force_of_interest

PUBLISHED = {
    "bg_nbd": ({"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, -9582.43),
    "pareto_nbd": ({"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}, -9594.97),
}
WORKED = Histories.of([2, 7, 0], [30.43, 29.43, 0], [38.86, 38.86, 38.86])
SURVIVAL = {
    "regular": [100, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1],
    "high_end": [100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1],
}


@pytest.mark.parametrize("model", list(PUBLISHED))
def test_cdnow_parameters_lie_within_two_in_a_thousand_of_the_paper(model: str, cdnow: Histories) -> None:
    published, log_likelihood = PUBLISHED[model]
    found = fit(model, cdnow)
    for name, value in published.items():
        assert found.parameters[name] == pytest.approx(value, rel=0.002), name
    assert found.log_likelihood == pytest.approx(log_likelihood, abs=0.05)


def test_mbg_nbd_on_cdnow(cdnow: Histories) -> None:
    found = fit("mbg_nbd", cdnow)
    for name, value in {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}.items():
        assert found.parameters[name] == pytest.approx(value, rel=0.002), name
    assert found.log_likelihood == pytest.approx(-9582.1, abs=0.05)


def test_bg_nbd_worked_rows(cdnow: Histories) -> None:
    found = fit("bg_nbd", cdnow)
    assert found.p_alive(WORKED) == pytest.approx([0.73, 0.64, 1.0], abs=0.005)
    assert found.expected_orders(WORKED, 39.0) == pytest.approx([1.23, 3.34, 0.195], abs=0.005)


def test_pareto_nbd_discounted_expected_residual_transactions(cdnow: Histories) -> None:
    found = fit("pareto_nbd", cdnow)
    dert = found.dert(WORKED, force_of_interest(0.15, 52))
    assert dert == pytest.approx([6.500, 16.581, 0.478], abs=0.0015)


def test_gamma_gamma_on_the_946_customers_with_repeat_orders(cdnow_amounts: tuple[object, object]) -> None:
    found = fit_gamma_gamma(*cdnow_amounts)
    assert found.customers == 946
    for name, value in {"p": 6.249, "q": 3.745, "gamma": 15.448}.items():
        assert found.parameters[name] == pytest.approx(value, abs=0.02), name
    assert found.log_likelihood == pytest.approx(-4055.92, abs=0.05)


def contracts(segment: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(age, ended, counts) of 1,000 customers observed for seven renewals."""
    alive = np.array(SURVIVAL[segment]) * 10
    return np.r_[np.arange(1, 8), 7], np.r_[np.ones(7, bool), False], np.r_[-np.diff(alive), alive[-1]]


@pytest.mark.parametrize(
    ("segment", "alpha", "beta", "log_likelihood", "projected"),
    [
        ("regular", 0.704, 1.182, -1680.27, [22.0, 20.4, 19.1, 18.0, 17.0]),
        ("high_end", 0.668, 3.806, -1611.16, [46.0, 43.6, 41.4, 39.5, 37.8]),
    ],
)
def test_sbg_fits_and_projects_as_published(
    segment: str, alpha: float, beta: float, log_likelihood: float, projected: list[float]
) -> None:
    found = fit_contracts(*contracts(segment))
    assert found.parameters["alpha"] == pytest.approx(alpha, abs=0.0006)
    assert found.parameters["beta"] == pytest.approx(beta, abs=0.0006)
    assert found.log_likelihood == pytest.approx(log_likelihood, abs=0.05)
    assert 100 * found.survival(np.arange(8, 13)) == pytest.approx(projected, abs=0.1)


def test_sbg_residual_lifetime_after_seven_renewals_with_the_next_payment_due_now() -> None:
    found = fit_contracts(*contracts("high_end"))
    payments = sum(found.p_running_after([7], float(t))[0] / 1.1 ** (t - 1) for t in range(1, 300))
    assert payments == pytest.approx(7.530, abs=0.001)


def test_bdw_is_taken_only_where_the_likelihood_ratio_test_prefers_it() -> None:
    assert fit_contracts_chosen(*contracts("regular")).name == "sbg"
    assert fit_contracts_chosen(*contracts("high_end")).name == "bdw"
