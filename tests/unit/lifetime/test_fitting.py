"""Fitting: compression loses nothing, what cannot be fitted says so and gives way, extremes end well."""

import numpy as np
import pytest

from clientela.lifetime import Histories, LifetimeError, NotIdentified, fit, fit_by_segment, fit_or_simpler, fitting
from clientela.lifetime.fitting import Beside, log_likelihood
from clientela.lifetime.geometric_dropout import MBGCNBD
from clientela.lifetime.purchase_histories import simulate_histories

MBG = {"r": 0.8, "alpha": 6.0, "a": 0.7, "b": 2.0}


def test_distinct_rows_with_counts_give_back_every_row(cdnow: Histories) -> None:
    for h in (cdnow, Histories.of(cdnow.x, np.rint(cdnow.t_x * 7), np.rint(cdnow.T * 7) + 1)):
        c = h.compressed()
        assert len(c.rows) < len(h)
        assert c.counts.sum() == len(h)
        for name in ("x", "t_x", "T"):
            assert np.array_equal(getattr(c.rows, name)[c.index], getattr(h, name))
        assert len(np.unique(np.stack([c.rows.x, c.rows.t_x, c.rows.T]), axis=1).T) == len(c.rows)


def test_the_likelihood_of_distinct_rows_is_that_of_the_raw_ones(cdnow: Histories) -> None:
    model = MBGCNBD(1)
    theta = np.log(list(MBG.values()))
    raw = model.log_likelihood(np.exp(theta), cdnow)[0].sum()
    assert log_likelihood(model, theta, cdnow) == pytest.approx(raw, rel=1e-12)


def test_times_in_days_or_in_weeks_make_the_same_forecast(cdnow: Histories) -> None:
    days = Histories.of(cdnow.x, cdnow.t_x * 7, cdnow.T * 7)
    for model in ("bg_nbd", "pareto_nbd"):
        weekly, daily = fit(model, cdnow), fit(model, days)
        assert daily.expected_orders(days, 273.0) == pytest.approx(weekly.expected_orders(cdnow, 39.0), rel=1e-4)
        assert daily.parameters["alpha"] == pytest.approx(7 * weekly.parameters["alpha"], rel=1e-4)


@pytest.mark.parametrize("model", ["nbd", "bg_nbd", "mbg_nbd", "pareto_nbd", "mbg_cnbd_k"])
def test_where_the_search_began_does_not_show(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the usual starts, by way of folded histories, or from the top of other customers: the same parameters to the last
    digit."""
    made = [simulate_histories("mbg_nbd", MBG, 900, seed=seed).histories for seed in (1, 2)]
    # in days, and whole ones
    ours, others = (
        Histories.of(h.x, np.where(h.x > 0, np.rint(h.t_x * 7) + 1, 0), np.rint(h.T * 7) + 2, log_gaps=h.x * 2.0)
        for h in made
    )
    plain = fit(model, ours)
    top = fit(model, others)
    tops = {getattr(top.model, "k", 1): top.theta, **top.others}
    near = fit(model, ours, Beside({(model, k): theta for k, theta in tops.items()}))
    monkeypatch.setattr(fitting, "FOLDED_FROM", 100)
    folded = fit(model, ours)
    for other in (near, folded):
        assert np.array_equal(other.theta, plain.theta) and np.array_equal(other.covariance, plain.covariance)
        assert other.log_likelihood == plain.log_likelihood
    assert len(ours.compressed().folded().rows) < len(ours.compressed().rows)


def test_nobody_leaving_is_recorded_and_ends_in_nbd() -> None:
    h = simulate_histories("nbd", {"r": 0.8, "alpha": 6.0}, 3000, seed=1).histories
    found = fit_or_simpler("pareto_nbd", h)
    assert found.fit.name == "nbd"
    assert [f.model for f in found.fallbacks] == ["pareto_nbd", "mbg_nbd", "bg_nbd"]
    assert all(f.reason for f in found.fallbacks)


def test_a_dropout_that_adds_nothing_to_the_likelihood_is_not_believed() -> None:
    h = simulate_histories(
        "nbd", {"r": 0.8, "alpha": 6.0}, 1500, seed=9
    ).histories  # Pareto/NBD converges here, on chance alone
    found = fit_or_simpler("pareto_nbd", h)
    assert found.fit.name == "nbd"
    assert "no dropout is visible" in found.fallbacks[0].reason


def test_a_fit_that_works_falls_back_to_nothing() -> None:
    h = simulate_histories("mbg_nbd", MBG, 4000, seed=2).histories
    found = fit_or_simpler("mbg_nbd", h)
    assert (found.fit.name, found.fallbacks) == ("mbg_nbd", [])


@pytest.mark.parametrize(
    ("x", "t_x", "T"),
    [
        ([0.0] * 30, [0.0] * 30, [40.0] * 30),
        ([5.0] * 200, [30.0] * 200, [40.0] * 200),
        ([3.0], [10.0], [12.0]),
        ([0.0], [0.0], [5.0]),
        ([100_000.0, 0.0, 1.0], [39.9, 0.0, 3.0], [40.0, 40.0, 40.0]),
    ],
    ids=["one order each", "all identical", "one customer", "one customer, one order", "a giant"],
)
def test_degenerate_companies_end_in_sensible_figures(x: list[float], t_x: list[float], T: list[float]) -> None:
    h = Histories.of(x, t_x, T)
    for model in ("pareto_nbd", "mbg_nbd", "bg_nbd", "nbd"):
        found = fit_or_simpler(model, h).fit
        for values in (
            found.p_alive(h),
            found.expected_orders(h, 26.0),
            found.expected_discounted_orders(h, 26.0, 0.01),
        ):
            assert np.isfinite(values).all() and np.all(values >= 0)
        # no more is expected than the busiest customer did in as long, give or take
        assert found.expected_orders(h, 26.0).max() <= 2 * (max(x) + 1) / min(T) * 26.0


def test_no_time_observed_is_one_sentence() -> None:
    with pytest.raises(LifetimeError, match="no time has passed"):
        fit_or_simpler("mbg_nbd", Histories.of([0, 0], [0, 0], [0, 0]))


@pytest.mark.parametrize(
    ("x", "t_x", "T", "words"),
    [
        ([1], [5], [4], "after the as-of"),
        ([0], [5], [6], "t_x must be 0"),
        ([1.5], [2], [6], "whole numbers"),
        ([float("nan")], [2], [6], "not finite"),
        ([1, 2], [2], [6], "differ in length"),
        ([-1], [2], [6], "least"),
        ([], [], [], "no customer"),
    ],
)
def test_unusable_histories_are_refused_with_a_sentence(x: list, t_x: list, T: list, words: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(LifetimeError, match=words):
        Histories.of(x, t_x, T)


def test_covariates_find_who_buys_faster() -> None:
    slow = simulate_histories("mbg_nbd", MBG, 6000, seed=3).histories
    fast = simulate_histories("mbg_nbd", MBG | {"alpha": 3.0}, 6000, seed=4).histories
    z = np.repeat([0.0, 1.0], 6000)
    h = Histories.of(np.r_[slow.x, fast.x], np.r_[slow.t_x, fast.t_x], np.r_[slow.T, fast.T], z)
    found = fit("mbg_nbd", h)
    error = found.standard_errors["alpha~0"]
    assert abs(found.parameters["alpha~0"] - np.log(0.5)) < 4 * error < 0.8
    assert abs(found.parameters["a~0"]) < 4 * found.standard_errors["a~0"]
    plain = fit("mbg_nbd", Histories.of(h.x, h.t_x, h.T))
    assert found.log_likelihood > plain.log_likelihood + 50
    assert np.isfinite(found.expected_orders(h, 26.0)).all()


def test_segments_are_fitted_apart_and_small_ones_with_everybody() -> None:
    a = simulate_histories("mbg_nbd", MBG, 2000, seed=5).histories
    b = simulate_histories("mbg_nbd", MBG | {"alpha": 2.0}, 2000, seed=6).histories
    h = Histories.of(np.r_[a.x, b.x], np.r_[a.t_x, b.t_x], np.r_[a.T, b.T])
    labels = np.repeat([0, 1], 2000)
    labels[:10] = 2
    found = fit_by_segment("mbg_nbd", h, labels)
    assert sorted(found) == [-1, 0, 1]
    assert found[0].fit.parameters["alpha"] > 2 * found[1].fit.parameters["alpha"]


def test_regular_gaps_are_recognised_from_their_logarithms() -> None:
    world = simulate_histories("mbg_cnbd_k", {"r": 0.9, "alpha": 3.0, "a": 0.5, "b": 2.0}, 3000, seed=7, k=3)
    found = fit("mbg_cnbd_k", world.histories)
    assert isinstance(found.model, MBGCNBD) and found.model.k == 3
    without = Histories.of(world.histories.x, world.histories.t_x, world.histories.T)
    with pytest.raises(NotIdentified, match="gaps"):
        fit("mbg_cnbd_k", without)


@pytest.mark.parametrize("name", ["bg_nbd", "mbg_nbd", "pareto_nbd"])
def test_one_clean_company_is_fitted_as_it_was_made(name: str) -> None:
    truth = {"pareto_nbd": {"r": 0.8, "alpha": 9.0, "s": 0.7, "beta": 12.0}}.get(name, MBG)
    h = simulate_histories(name, truth, 8000, seed=8).histories
    found = fit(name, h)
    theta = np.log(list(truth.values()))
    gain = 2 * (found.log_likelihood - log_likelihood(found.model, theta, h))
    assert 0 <= gain < 18.5  # the 99.9 % point of chi2 with 4 degrees of freedom
    assert np.all(np.abs(found.theta - theta) < 4 * np.sqrt(np.diag(found.covariance)))
