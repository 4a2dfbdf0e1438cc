"""Scores equal hand computation; the choice follows the rule; intervals are judged and widened as stated."""

import numpy as np
import pytest

from clientela.lifetime import LifetimeError, choose, score
from clientela.lifetime.prediction_intervals import LEVELS, Spread
from clientela.lifetime.scoring import (
    calibrated_coverage,
    equal_count_bins,
    poisson_deviance,
    raw_coverage,
)


def test_scores_of_four_customers_by_hand() -> None:
    found = score([0, 1, 2, 5], [0.5, 1.0, 1.5, 3.0])
    assert (found.actual_total, found.expected_total) == (8.0, 6.0)
    assert found.error_in_total == pytest.approx(-0.25)
    assert found.rmse == pytest.approx(np.sqrt((0.25 + 0 + 0.25 + 4) / 4))
    assert found.mae == pytest.approx((0.5 + 0 + 0.5 + 2) / 4)
    assert found.spearman == pytest.approx(1.0)
    deviance = 2 * (0.5 + 0 + (2 * np.log(2 / 1.5) - 0.5) + (5 * np.log(5 / 3) - 2)) / 4
    assert found.mean_poisson_deviance == pytest.approx(deviance)


def test_top_decile_share_counts_ties_without_looking_at_their_order() -> None:
    actual = np.r_[np.full(10, 9.0), np.zeros(90)]
    assert score(actual, actual).top_decile_share == pytest.approx(1.0)
    assert score(actual, -actual, counts=False).top_decile_share == pytest.approx(0.0)
    flat = np.zeros(100)
    assert score(actual, flat).top_decile_share == pytest.approx(0.1)
    order = np.random.default_rng(0).permutation(100)
    noisy = np.random.default_rng(1).poisson(2.0, 100).astype(float)
    assert score(actual[order], noisy[order]).top_decile_share == pytest.approx(score(actual, noisy).top_decile_share)


def test_equal_values_fall_in_the_same_bin() -> None:
    values = np.r_[np.zeros(55), np.arange(1.0, 46.0)]
    bins = equal_count_bins(values)
    assert len(set(bins[:55])) == 1 and bins.max() == 9
    assert all(len(set(bins[values == v])) == 1 for v in np.unique(values))


def test_a_forecast_of_nothing_is_scored_finite_and_badly() -> None:
    assert np.isfinite(poisson_deviance(np.array([3.0]), np.array([0.0]))).all()
    assert score([3, 0], [0, 0]).mean_poisson_deviance > score([3, 0], [1.5, 1.5]).mean_poisson_deviance


def test_the_simplest_within_one_standard_error_is_chosen_and_says_so() -> None:
    rng = np.random.default_rng(0)
    base = rng.gamma(2, 1, 1000)
    losses = {"simple": base + np.tile([0.303, -0.297], 500), "rich": base, "worse": base + 0.5}
    found = choose(losses, np.arange(1000), ["worse", "simple", "rich"], "loss")
    assert found.candidate == "simple" and "simplest" in found.reason and "rich" in found.reason
    losses["simple"] = base + rng.normal(0.05, 0.3, 1000)
    assert choose(losses, np.arange(1000), ["worse", "simple", "rich"], "loss").candidate == "rich"


def test_the_same_customer_at_many_origins_is_one_observation() -> None:
    rng = np.random.default_rng(0)
    difference = np.repeat(rng.normal(0.02, 0.3, 300), 9)
    losses = {"simple": 1 + difference, "rich": np.ones(2700)}
    together = choose(losses, np.repeat(np.arange(300), 9), ["simple", "rich"], "loss")
    as_if_apart = choose(losses, np.arange(2700), ["simple", "rich"], "loss")
    assert together.standard_error["simple"] == pytest.approx(3 * as_if_apart.standard_error["simple"])


def test_pit_of_counts_is_even_where_what_is_stated_is_right_and_plain_coverage_is_not() -> None:
    rng = np.random.default_rng(0)
    rates = rng.gamma(0.3, 1.0, 20_000)
    actual, poisson = rng.poisson(rates).astype(float), Spread(dispersion=(-12.0, 0.0))
    counts = poisson.counts(rates)
    u = counts.pit(actual, rng)
    assert calibrated_coverage(u) == pytest.approx(0.8, abs=0.01)
    assert np.histogram(u, bins=10, range=(0, 1))[0] == pytest.approx(np.full(10, 2000), abs=180)
    low, _, high = counts.quantiles(LEVELS)
    assert raw_coverage(actual, low, high) > 0.85


def test_nothing_to_score_is_one_sentence() -> None:
    with pytest.raises(LifetimeError, match="no customer"):
        score([], [])
    with pytest.raises(LifetimeError, match="differ in length"):
        score([1], [1, 2])
