"""What orders bring, and intervals of customers and of groups."""

import numpy as np
import pytest

from clientela.lifetime import Histories, LifetimeError, ModelDraws, fit, fit_gamma_gamma, group_intervals, read_futures
from clientela.lifetime.contribution import SpendHistory, fit_contribution
from clientela.lifetime.draws import Observed, ScatterDraws, Widening, randomised_pit
from clientela.lifetime.purchase_histories import simulate_amounts, simulate_histories
from clientela.lifetime.scoring import calibrated_coverage
from clientela.lifetime.shrinkage import shrink, shrunken_share

MBG = {"r": 0.8, "alpha": 6.0, "a": 0.7, "b": 2.0}
GG = {"p": 4.0, "q": 3.5, "gamma": 20.0}


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
    rng = np.random.default_rng(2)
    u = randomised_pit(truth, found.draw(found.draw_shifts(300, rng), rng), rng)
    assert 0.76 <= calibrated_coverage(u) <= 0.84
    raw = np.array([o.mean() for o in own])
    assert np.mean((found.mean - truth) ** 2) < 0.7 * np.mean((raw - truth) ** 2)


def test_a_customer_without_orders_takes_his_groups_mean() -> None:
    found = shrink([10.0, 12.0, 0.0], [2.0, 2.0, 0.0], 1.0, 2.0)
    assert found.mean[2] == pytest.approx(found.company_mean)
    assert found.pull[2] == 1.0


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


@pytest.mark.parametrize("name", ["bg_nbd", "mbg_nbd", "pareto_nbd", "nbd", "mbg_cnbd_k"])
def test_draws_have_the_exact_mean_and_the_right_spread(name: str) -> None:
    truth = {"pareto_nbd": {"r": 0.8, "alpha": 9.0, "s": 0.7, "beta": 12.0}, "nbd": {"r": 0.6, "alpha": 8.0}}
    world = simulate_histories(name, truth.get(name, MBG), 3000, seed=11)
    h = world.histories
    found = fit(name, h)
    groups = np.random.default_rng(0).integers(0, 10, len(h))
    source = ModelDraws(found, h, 26.0, delta=0.02, draws=200, seed=3)
    futures = read_futures(source, groups={"g": groups}, seed=3, observed=Observed(orders=world.future_orders))
    exact = found.expected_orders(h, 26.0).sum()
    total = group_intervals(futures.group_orders["g"].sum(axis=0, keepdims=True))
    assert futures.orders.mean.sum() == pytest.approx(exact, rel=0.02)
    assert total.p10[0] < world.future_orders.sum() < total.p90[0] or abs(world.future_orders.sum() / exact - 1) < 0.1
    assert futures.pit_orders is not None and 0.76 <= calibrated_coverage(futures.pit_orders) <= 0.84
    discounted = sum((o * f).sum() / 200 for o, f in _drawn(source))
    assert discounted == pytest.approx(found.expected_discounted_orders(h, 26.0, 0.02).sum(), rel=0.02)


def _drawn(source):  # type: ignore[no-untyped-def]
    from clientela.lifetime.draws import chunks

    return [source.draw(rows, rng) for rows, rng in chunks(source, 3)]


def test_the_same_seed_gives_the_same_draws_and_another_does_not() -> None:
    h = simulate_histories("mbg_nbd", MBG, 500, seed=12).histories
    found = fit("mbg_nbd", h)
    one, two, three = (read_futures(ModelDraws(found, h, 26.0, draws=50, seed=s), seed=s) for s in (1, 1, 2))
    assert np.array_equal(one.orders.quantiles, two.orders.quantiles) and np.array_equal(
        one.orders.mean, two.orders.mean
    )
    assert not np.array_equal(one.orders.mean, three.orders.mean)


def test_fewer_customers_mean_wider_intervals_than_their_orders_alone() -> None:
    h = simulate_histories("mbg_nbd", MBG, 400, seed=13).histories
    found = fit("mbg_nbd", h)
    sure = type(found)(found.model, found.theta, found.covariance * 1e-12, found.log_likelihood, 400)
    widths = []
    for each in (found, sure):
        futures = read_futures(ModelDraws(each, h, 52.0, draws=400), groups={"g": np.zeros(400, dtype=np.int64)})
        around = group_intervals(futures.group_orders["g"])
        widths.append(float(around.p90[0] - around.p10[0]))
    assert widths[0] > 1.15 * widths[1]


def test_money_of_groups_holds_the_truth_as_often_as_it_says() -> None:
    inside, rows = [], 2000
    for seed in range(3):
        world = simulate_histories("mbg_nbd", MBG, rows, seed=20 + seed)
        h = world.histories
        past, future = simulate_amounts(GG, h.x + 1, world.future_orders, seed=seed)
        amounts = fit_gamma_gamma(h.x + 1, past)
        found = fit("mbg_nbd", h)
        groups = np.random.default_rng(seed).integers(0, 20, rows)
        rng = np.random.default_rng(seed)
        theta = amounts.draw_parameters(200, rng)

        class Money:
            def draw(self, block: slice, orders: np.ndarray, rng: np.random.Generator) -> np.ndarray:
                return amounts.draw_totals(theta, h.x[block] + 1, past[block], orders, rng)  # noqa: B023

        source = ModelDraws(found, h, 26.0, draws=200, seed=seed)
        futures = read_futures(source, money=Money(), groups={"g": groups}, seed=seed, observed=Observed(money=future))
        around = group_intervals(futures.group_money["g"])
        truth = np.bincount(groups, weights=future, minlength=20)
        inside += list((truth >= around.p10) & (truth <= around.p90))
        assert futures.pit_money is not None and 0.76 <= calibrated_coverage(futures.pit_money) <= 0.84
    assert 0.62 <= np.mean(inside) <= 0.95


def test_widening_moves_the_ends_and_keeps_counts_whole() -> None:
    h = simulate_histories("mbg_nbd", MBG, 300, seed=14).histories
    source = ModelDraws(fit("mbg_nbd", h), h, 52.0, draws=200)
    plain, wide = read_futures(source), read_futures(source, widening=Widening(orders_customers=1.6))
    assert np.all(wide.orders.p10 <= plain.orders.p10) and np.all(wide.orders.p90 >= plain.orders.p90)
    assert wide.orders.p90.sum() > plain.orders.p90.sum()
    assert np.array_equal(wide.orders.p90, np.rint(wide.orders.p90)) and np.all(wide.orders.p10 >= 0)


def test_scatter_around_a_baseline_has_its_mean_and_its_variance() -> None:
    source = ScatterDraws(np.full(4000, 3.0), np.ones(4000), dispersion=0.5, level_error=0.0, draws=100)
    drawn = np.concatenate([o for o, _ in _drawn(source)])
    assert drawn.mean() == pytest.approx(3.0, rel=0.01)
    assert drawn.var() == pytest.approx(3.0 + 0.5 * 9.0, rel=0.03)


def test_a_group_of_contradictory_histories_keeps_its_rows_apart() -> None:
    h = Histories.of([3, 0, 9], [10.0, 0.0, 39.0], [40.0, 40.0, 40.0])
    world = simulate_histories("mbg_nbd", MBG, 3000, seed=15).histories
    found = fit("mbg_nbd", world)
    futures = read_futures(ModelDraws(found, h, 26.0, draws=4000), seed=1)
    assert futures.orders.mean == pytest.approx(found.expected_orders(h, 26.0), rel=0.15, abs=0.03)
