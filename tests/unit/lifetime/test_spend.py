"""What orders bring: the two spend models, and how far a customer's own mean is believed."""

import numpy as np
import pytest
from scipy.special import ndtr

from clientela.lifetime import LifetimeError
from clientela.lifetime.contribution import SpendHistory, fit_contribution
from clientela.lifetime.scoring import calibrated_coverage
from clientela.lifetime.shrinkage import shrink, shrunken_share


def spend_of(orders: list[list[tuple[float, float]]], category: np.ndarray | None = None) -> SpendHistory:
    """A SpendHistory from (net revenue, contribution) of each customer's orders."""

    def sums(what) -> np.ndarray:  # type: ignore[no-untyped-def]
        return np.array([float(sum(what(z, c) for z, c in own)) for own in orders])

    return SpendHistory(
        orders=sums(lambda z, c: 1),
        paid=sums(lambda z, c: z > 0),
        paid_revenue=sums(lambda z, c: z * (z > 0)),
        margin_orders=sums(lambda z, c: z > 0),
        margin_revenue=sums(lambda z, c: z * (z > 0)),
        margin_contribution=sums(lambda z, c: c * (z > 0)),
        margin_squares=sums(lambda z, c: c * c / z if z > 0 else 0),
        unpaid=sums(lambda z, c: z <= 0),
        unpaid_contribution=sums(lambda z, c: c * (z <= 0)),
        unpaid_squares=sums(lambda z, c: c * c * (z <= 0)),
        known=sums(lambda z, c: 1),
        contribution=sums(lambda z, c: c),
        contribution_squares=sums(lambda z, c: c * c),
        category=category,
    )


def test_shrinkage_finds_the_variances_and_keeps_its_intervals() -> None:
    rng = np.random.default_rng(1)
    n = 5000
    group = rng.integers(0, 4, n)
    truth = np.array([5.0, 6.0, -3.0, 1.0])[group] + rng.normal(0, 2, n)
    orders = rng.integers(1, 8, n)
    own = [rng.normal(m, 4, k) for m, k in zip(truth, orders, strict=True)]
    within = float(sum(((o - o.mean()) ** 2).sum() for o in own))
    found = shrink([o.sum() for o in own], orders.astype(float), within, float(orders.sum() - n), group)
    assert found.sigma2 == pytest.approx(16, rel=0.06)
    assert found.tau2 == pytest.approx(4, rel=0.1)
    assert found.group_mean == pytest.approx([5, 6, -3, 1], abs=0.35)
    assert 0.76 <= calibrated_coverage(ndtr((truth - found.mean) / np.sqrt(found.variance))) <= 0.84
    raw = np.array([o.mean() for o in own])
    assert np.mean((found.mean - truth) ** 2) < 0.7 * np.mean((raw - truth) ** 2)


def test_a_customer_without_orders_takes_his_groups_mean() -> None:
    found = shrink([10.0, 12.0, 0.0], [2.0, 2.0, 0.0], 1.0, 2.0)
    assert found.mean[2] == pytest.approx(found.company_mean)


def test_a_share_is_drawn_to_the_companys() -> None:
    shares = shrunken_share(np.array([0, 5, 0.0, 20]), np.array([1, 5, 0.0, 200]))
    company = 25 / 206
    assert 0 < shares[0] < company and company < shares[1] < 1 and shares[2] == pytest.approx(company)
    assert shrunken_share(np.zeros(3), np.ones(3)) == pytest.approx([0, 0, 0])


def test_contribution_is_amount_times_margin_plus_the_share_of_orders_that_bring_nothing() -> None:
    rng = np.random.default_rng(3)
    orders = [[(z, 0.4 * z) for z in rng.gamma(4, 1 / nu, 6)] + [(-10.0, -8.0)] for nu in rng.gamma(3.5, 0.05, 400)]
    found = fit_contribution("gamma_gamma", spend_of(orders))
    assert found.kind == "gamma_gamma" and not found.reason
    amount = found.amounts[0].expected_amount(found.spend.paid, found.spend.mean_amount)
    assert found.per_order == pytest.approx(6 / 7 * 0.4 * amount + 1 / 7 * -8.0, rel=1e-6)


def test_negative_contributions_stay_negative_in_both_models() -> None:
    rng = np.random.default_rng(4)
    orders = [[(z, -0.2 * z) for z in rng.gamma(4, 1 / nu, 1 + rng.poisson(2))] for nu in rng.gamma(3.5, 0.05, 400)]
    for kind in ("gamma_gamma", "normal"):
        found = fit_contribution(kind, spend_of(orders))  # type: ignore[arg-type]
        assert found.kind == kind
        assert np.all(found.per_order < 0)


def test_amounts_that_no_gamma_gamma_fits_give_way_to_the_normal_model_and_say_so() -> None:
    found = fit_contribution("gamma_gamma", spend_of([[(10.0, 3.0)] * 3 for _ in range(100)]))
    assert found.kind == "normal" and found.reason
    assert found.per_order == pytest.approx(np.full(100, 3.0))
    with pytest.raises(LifetimeError, match="contribution is known"):
        none = spend_of([[(10.0, 3.0)]])
        fit_contribution("normal", SpendHistory(**{**vars(none), "known": np.zeros(1)}))


def test_spend_is_fitted_by_band_only_where_frequency_and_amount_go_together() -> None:
    rng = np.random.default_rng(5)
    counts = 1 + rng.poisson(rng.gamma(1, 4, 3000))
    together = [[(z, z) for z in rng.gamma(4, 2.0 * k**0.7 / rng.gamma(4), k)] for k in counts]
    apart = [[(z, z) for z in rng.gamma(4, 2.0 / rng.gamma(4), k)] for k in counts]
    banded, plain = (fit_contribution("gamma_gamma", spend_of(o)) for o in (together, apart))
    assert banded.correlation > 0.3 and len(banded.bands) > 1 and len(banded.amounts) == len(banded.bands)
    assert abs(plain.correlation) < 0.3 and len(plain.bands) == 1
