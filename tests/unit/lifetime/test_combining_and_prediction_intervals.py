"""One forecast from several candidates, and what lies around it: weights only where they pay, quantiles of what is stated."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from clientela.lifetime.combining import OriginForecasts, combine
from clientela.lifetime.contribution import Kind, fit_contribution
from clientela.lifetime.horizons import days_of, origins_for
from clientela.lifetime.origins import Orders, spaced_origins
from clientela.lifetime.prediction_intervals import (
    OrderWorth,
    Spread,
    group_money_quantiles,
    group_order_quantiles,
    learn_spread,
    money_quantiles,
    tau_of,
    unseen,
)
from clientela.lifetime.season import season_index

RNG = np.random.default_rng(3)
N = 4000
RATE = RNG.gamma(1.0, 2.0, N)


def origin(actual: np.ndarray, expected: dict[str, np.ndarray], on_day: int = 0) -> OriginForecasts:
    return OriginForecasts(on_day, 91, np.arange(len(actual)), actual.astype(float), expected)


def test_two_forecasts_that_each_know_half_are_added_up() -> None:
    first, second = RNG.gamma(2, 1, N), RNG.gamma(2, 1, N)
    actual = RNG.poisson((first + second) / 2)
    found = combine([origin(actual, {"one": first + 0.01, "other": second + 0.01})])
    assert set(found.weights) == {"one", "other"} and sum(found.weights.values()) == pytest.approx(1)
    assert found.weights["one"] == pytest.approx(0.5, abs=0.1)


def test_where_no_mixture_is_better_by_a_standard_error_the_best_single_one_stays() -> None:
    actual = RNG.poisson(RATE)
    found = combine([origin(actual, {"right": RATE, "noisy": RATE * RNG.lognormal(0, 1.5, N)})])
    assert found.weights == {"right": 1.0} and found.best == "right" and "right has the lowest" in found.reason


@pytest.mark.parametrize(("span", "share"), [(0, 0.5), (61, 0.5), (273, 4 / 5)])
def test_so_much_of_the_past_error_of_level_is_taken_off_as_the_origins_are_worth(span: int, share: float) -> None:
    """Three neighbouring month-ends of three months are less than two looks, and half of the error is believed."""
    origins = [origin(RNG.poisson(RATE), {"high": RATE * 1.25}, day) for day in (0, span // 2, span)]
    found = combine(origins)
    assert found.looks == pytest.approx(1 + span / 91)
    assert found.level == pytest.approx(share * np.mean(found.log_errors)) and found.level > 0.05
    assert found.mean({"high": RATE}).sum() == pytest.approx(RATE.sum() * np.exp(-found.level))


def test_origins_lie_three_months_apart_where_the_past_allows_and_are_shorter_where_it_does_not() -> None:
    first = date(2021, 1, 1)
    assert spaced_origins(first, date(2023, 12, 31), holdout_days=91, most=3, least_days=91) == [
        date(2023, 3, 31),
        date(2023, 6, 30),
        date(2023, 9, 30),
    ]
    assert len(spaced_origins(first, date(2021, 12, 31), holdout_days=91, most=6, least_days=91)) == 6
    assert origins_for(first, date(2023, 12, 31), 12, 6)[0] == days_of(12) == 365
    days, origins = origins_for(first, date(2022, 6, 30), 12, 6)
    assert days == 182 and all((day - first).days >= 91 for day in origins)
    assert all(day + timedelta(days=days) <= date(2022, 6, 30) for day in origins)
    assert origins_for(first, date(2021, 3, 1), 12, 6) == (91, [])


def test_growth_within_a_year_is_no_season() -> None:
    start, end = date(2021, 1, 1), date(2022, 12, 31)
    first = (start - date(1970, 1, 1)).days
    days = first + np.arange(730)
    counts = RNG.poisson(40 * np.exp(np.arange(730) / 365.25))
    index = season_index(np.repeat(days, counts).astype(float), start, end)
    assert index is not None and np.abs(index - 1).max() < 0.06


def test_pit_of_what_is_stated_is_uniform_and_what_is_learnt_is_what_was_drawn() -> None:
    spread = Spread(dispersion=(np.log(0.5), 0.0))
    actual = RNG.poisson(RATE * RNG.gamma(2, 0.5, N)).astype(float)
    pit = spread.counts(RATE).pit(actual, RNG)
    assert np.mean((pit > 0.1) & (pit < 0.9)) == pytest.approx(0.8, abs=0.025)
    learnt = learn_spread([actual], [RATE * 1.3], 0.0, 1.0, 1.0)
    assert learnt.phi(np.array([2.0]))[0] == pytest.approx(0.5, rel=0.25)
    assert learnt.dispersion_of_sums == pytest.approx(0.5, rel=0.3)
    assert learnt.tau == pytest.approx(np.sqrt((2 * 0.05**2 + 3 * np.log(1.3) ** 2) / 3), rel=0.15)


def test_the_error_of_level_grows_with_the_horizon_and_is_never_nothing() -> None:
    assert tau_of([0.0, 0.0], 0.0, [0.0, 0.0], 2.0, 1.0) == pytest.approx(0.05 / np.sqrt(2))
    near, far, farther = (tau_of([0.1, -0.1], 0.0, [0.0, 0.0], 2.0, stretch) for stretch in (1.0, 3.0, 8.0))
    assert near < far == farther


@pytest.mark.parametrize("looks", [1, 2, 5])
def test_what_comes_is_less_sure_than_what_the_level_was_learnt_from(looks: int) -> None:
    errors = RNG.normal(0, 0.1, (20_000, 1)) + RNG.normal(0, 0.1, (20_000, looks + 1))
    level = looks / (looks + 1) * errors[:, :looks].mean(axis=1)
    seen, came = ((errors[:, part] - level[:, None]) ** 2 for part in (slice(looks), slice(looks, None)))
    assert seen.mean() * unseen(looks) == pytest.approx(came.mean(), rel=0.05)


def test_a_group_is_as_uncertain_as_chance_and_the_common_error_together() -> None:
    spread = Spread((0.0, 0.0), 1.0, 0.1, 0.2, 8.0)
    everybody = np.zeros(N, dtype=np.int64)
    low, middle, high = group_order_quantiles(RATE, everybody, 1, spread, has_shape=False)[:, 0]
    total = RATE.sum()
    deviation = np.sqrt(((RATE + RATE**2).sum()) / total**2 + 0.1**2)
    assert (high - low) / total == pytest.approx(2 * 1.37 * deviation, rel=0.05)
    assert low < middle < high
    wide = group_order_quantiles(RATE, everybody, 1, spread, has_shape=True)[:, 0]
    assert wide[2] - wide[0] > 1.7 * (high - low)


@pytest.mark.parametrize("is_bounded", [True, False])
def test_money_is_bounded_where_orders_never_brought_less_than_nothing(is_bounded: bool) -> None:
    worth = OrderWorth(np.full(N, 10.0), np.full(N, 400.0), np.full(N, 9.0), is_bounded, 0.0 if is_bounded else 2.0)
    spread = Spread()
    low, middle, high = money_quantiles(spread.counts(RATE), worth, np.ones(N))
    assert (low <= middle).all() and (middle <= high).all()
    assert bool((low < 0).any()) is not is_bounded
    group = group_money_quantiles(
        RATE * 10, RATE * 1000, np.zeros(N, dtype=np.int64), 1, spread, has_shape=False, is_bounded=is_bounded
    )
    assert 0 < group[0, 0] < group[1, 0] < group[2, 0]


def test_money_of_a_customer_holds_what_their_orders_bring() -> None:
    spread = Spread(dispersion=(np.log(0.5), 0.0))
    worth = OrderWorth(np.full(N, 10.0), np.full(N, 25.0), np.zeros(N), True)
    orders = RNG.poisson(RATE * RNG.gamma(2, 0.5, N))
    money = np.where(orders > 0, RNG.gamma(np.maximum(orders, 1) * 4.0, 2.5), 0.0)
    low, _, high = money_quantiles(spread.counts(RATE), worth, np.ones(N))
    assert np.mean(money > high) == pytest.approx(0.1, abs=0.03)
    assert np.mean(money < low) < 0.1


def test_where_some_goods_come_back_money_is_no_wider_than_it_is() -> None:
    """One order in twenty is undone, and hardly anybody ends below nothing: what lies around the mean is still skew."""
    rng, n = np.random.default_rng(5), 40_000
    rate = rng.gamma(1.0, 2.0, n)
    orders = rng.poisson(rate * rng.gamma(2, 0.5, n))
    money = rng.gamma(np.maximum(orders, 1) * 4.0, 2.5) * (orders > 0) - rng.binomial(orders, 0.05) * 10.0
    worth = OrderWorth(np.full(n, 9.5), np.full(n, 29.75), np.zeros(n), False, 0.5)
    counts = Spread(dispersion=(np.log(0.5), 0.0)).counts(rate)
    low, middle, high = money_quantiles(counts, worth, np.ones(n))
    often = counts.none < 0.05
    assert np.mean(money[often] < low[often]) == pytest.approx(0.1, abs=0.03), "a normal one has .002 there"
    assert np.mean(money[often] > high[often]) == pytest.approx(0.1, abs=0.03)
    assert (low <= middle).all() and (middle <= high).all() and low.min() > -5


@pytest.mark.parametrize("kind", ["normal", "gamma_gamma"])
@pytest.mark.parametrize(("worst", "is_bounded"), [(0.0, True), (-5.0, False)])
def test_orders_of_nothing_leave_the_bound_and_losses_lift_it(kind: Kind, worst: float, is_bounded: bool) -> None:
    rows = [
        (customer, date(2025, 1, 1) + timedelta(days=30 * turn), 10.0 + customer % 7 + turn, 3.0 + customer % 3)
        for customer in range(60)
        for turn in range(3)
    ]
    rows.append((0, date(2025, 5, 1), worst, worst))
    columns = ["customer_id", "ordered_on", "net_revenue", "contribution"]
    spend = Orders.of(pl.DataFrame(rows, schema=columns, orient="row")).at(date(2025, 6, 1)).spend
    assert spend is not None
    worth = fit_contribution(kind, spend).worth()
    assert worth.is_bounded is is_bounded and (worth.loss == 0) is is_bounded
    assert (worth.of_orders >= 0).all() and (worth.of_mean >= 0).all()
