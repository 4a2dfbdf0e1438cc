"""How many orders a customer places: what is said of none and of many is one distribution."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nbinom

from clientela.lifetime.churn_probability import tied
from clientela.lifetime.order_counts import OrderCounts
from clientela.lifetime.prediction_intervals import LEVELS, OrderWorth, Spread, money_quantiles

N = 2000


@given(
    seed=st.integers(0, 10**6),
    intercept=st.floats(-8, 3),
    slope=st.floats(-1, 1),
    largest=st.floats(-6, 6.5),
)
def test_no_row_contradicts_itself(seed: int, intercept: float, slope: float, largest: float) -> None:
    """Whatever P(no order) was learnt beside whatever expectation, over three horizons."""
    rng = np.random.default_rng(seed)
    spread = Spread(dispersion=(intercept, slope))
    days = {3: 91, 6: 182, 12: 365}
    rate = np.exp(rng.uniform(-9, largest, N)) / 365
    expected = {months: np.minimum(rate, 0.99) * d for months, d in days.items()}
    none = tied({months: rng.random(N) for months in days}, expected, days)
    amount = rng.uniform(5, 50, N)
    worth = OrderWorth(amount, amount**2 * rng.random(N), amount**2 * rng.random(N) / 5, True)
    before = np.zeros((3, N))
    for months in days:
        counts = spread.counts(expected[months], none[months])
        money = money_quantiles(counts, worth, np.ones(N))
        assert (expected[months] >= 1 - none[months]).all(), "whoever orders does so once at least"
        orders = np.maximum(counts.quantiles(LEVELS), before)  # as it is published: no lower than within fewer months
        low, middle, high = before = orders
        assert (low <= middle).all() and (middle <= high).all()
        for level, read in zip(LEVELS, orders, strict=True):
            assert ((read >= 1) == (none[months] < level)).all(), level
        assert np.array_equal(money > 0, none[months] < np.array(LEVELS)[:, None]), "money comes where orders do"
        assert (money[0] <= money[1]).all() and (money[1] <= money[2]).all()


def test_the_mean_is_the_expected_orders_and_quantiles_are_those_of_the_distribution() -> None:
    rng = np.random.default_rng(1)
    mean, phi = np.exp(rng.uniform(-7, 4, N)), np.exp(rng.uniform(-6, 1.5, N))
    none = np.exp(-mean) + (1 - np.exp(-mean)) * rng.random(N) * 0.99
    counts = OrderCounts.of(mean, phi, none)
    numbers = np.arange(20_000.0)
    for row in range(0, N, 100):
        one = OrderCounts(*(values[row].repeat(len(numbers)) for values in vars(counts).values()))
        reached = one.reached(numbers)
        assert reached[0] == pytest.approx(none[row])
        assert (1 - reached).sum() == pytest.approx(mean[row], rel=1e-6), "the mean is the sum of what lies above"
        assert ((2 * numbers + 1) * (1 - reached)).sum() - mean[row] ** 2 == pytest.approx(
            counts.variance[row], rel=1e-5
        )
        for level, read in zip(LEVELS, counts.quantiles(LEVELS)[:, row], strict=True):
            assert read == np.searchsorted(reached, level - 1e-12), (row, level)


def test_where_no_chance_of_none_is_known_it_is_the_negative_binomial_s_own() -> None:
    spread = Spread(dispersion=(np.log(0.7), -0.3))
    mean = np.array([0.001, 0.2, 1.0, 4.0, 60.0, 900.0, 40_000.0])
    size = 1 / spread.phi(mean)
    exact = nbinom.ppf(np.array([[0.1], [0.5], [0.9]]), size, size / (size + mean))
    counts = spread.counts(mean)
    assert np.array_equal(counts.quantiles(LEVELS), exact)
    assert counts.none == pytest.approx(nbinom.pmf(0, size, size / (size + mean)))
    told = spread.counts(mean, counts.none)
    assert told.base[:5] == pytest.approx(mean[:5]) and told.variance == pytest.approx(counts.variance)


def test_pit_is_uniform_where_many_never_order_again() -> None:
    rng = np.random.default_rng(3)
    rate, gone = rng.gamma(1.0, 3.0, 20_000), rng.random(20_000)
    actual = np.where(rng.random(20_000) < gone, 0, rng.poisson(rate * rng.gamma(2, 0.5, 20_000))).astype(float)
    spread, mean = Spread(dispersion=(np.log(0.5), 0.0)), rate * (1 - gone)
    none = gone + (1 - gone) * (1 + 0.5 * rate) ** -2
    for counts, is_told in ((spread.counts(mean), False), (spread.counts(mean, none), True)):
        share = np.histogram(counts.pit(actual, rng), bins=10, range=(0, 1))[0] / 20_000
        # by the expectation alone, phi that of the living, the upper end is too thin
        assert bool(np.abs(share - 0.1).max() < 0.012) is is_told, share


def test_a_chance_of_none_that_leaves_less_than_one_order_stands() -> None:
    counts = Spread().counts(np.array([0.4, 0.0]), np.array([0.3, 1.0]))
    assert counts.quantiles(LEVELS).T.tolist() == [[0, 1, 1], [0, 0, 0]]
