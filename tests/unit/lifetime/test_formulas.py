"""The formulas agree with themselves and with the textbook's wherever the textbook's can be computed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln, hyp2f1

from clientela.lifetime import Histories
from clientela.lifetime.dropout_integral import _integral, orders_until_dropout
from clientela.lifetime.geometric_dropout import BGNBD, MBGCNBD, MBGNBD
from clientela.lifetime.nbd import NBD
from clientela.lifetime.pareto_nbd import ParetoNBD
from clientela.lifetime.purchase_histories import simulate_histories
from clientela.lifetime.purchase_model import PurchaseModel

MODELS: list[PurchaseModel] = [NBD(), BGNBD(), MBGNBD(), ParetoNBD(), MBGCNBD(2), MBGCNBD(3)]
ROWS = Histories.of(
    [0, 0, 1, 2, 7, 40, 300], [0, 0, 3.0, 30.4, 29.4, 38.0, 20.0], [0.0, 38.9, 5.0, 38.9, 38.9, 38.9, 39.0]
)
positive = st.floats(-2.5, 3.5).map(np.exp)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: f"{m.name}{getattr(m, 'k', '')}")
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_gradients_are_the_slopes_of_the_likelihood(model: PurchaseModel, data: st.DataObject) -> None:
    theta = np.log([data.draw(positive) for _ in model.parameters])
    _, slopes = model.log_likelihood(np.exp(theta), ROWS)
    for j, slope in enumerate(slopes):
        step = np.zeros(len(theta))
        step[j] = 1e-5
        above, below = (model.log_likelihood(np.exp(theta + s), ROWS)[0] for s in (step, -step))
        assert slope == pytest.approx((above - below) / 2e-5, rel=1e-4, abs=2e-4)


def textbook_pareto(p: list[float], x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
    """Fader & Hardie 2005, equation with two cases, not in logs."""
    r, alpha, s, beta = p
    top, low, power = max(alpha, beta), abs(alpha - beta), r + s + x
    second = s + 1 if alpha >= beta else r + x

    def part(t: np.ndarray) -> np.ndarray:
        return hyp2f1(power, second, power + 1, low / (top + t)) / (top + t) ** power

    inside = 1 / ((alpha + T) ** (r + x) * (beta + T) ** s) + s / power * (part(t_x) - part(T))
    return gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta) + np.log(inside)


@pytest.mark.parametrize("p", [[0.55, 10.58, 0.61, 11.67], [2.0, 30.0, 1.5, 3.0], [0.3, 1.0, 2.0, 40.0]])
def test_pareto_likelihood_is_the_textbooks(p: list[float]) -> None:
    h = ROWS[ROWS.x < 50]
    ours, _ = ParetoNBD().log_likelihood(np.array(p), h)
    assert ours == pytest.approx(textbook_pareto(p, h.x, h.t_x, h.T), abs=1e-7)


def test_expected_orders_are_the_textbooks_away_from_a_equal_to_one() -> None:
    r, alpha, a, b, t = 0.243, 4.414, 0.793, 2.426, 39.0
    x, T = np.array([0.0, 1.0, 2.0, 7.0, 40.0]), 38.86
    w = t / (alpha + T + t)
    textbook = (a + b + x - 1) / (a - 1) * (1 - (1 - w) ** (r + x) * hyp2f1(r + x, b + x, a + b + x - 1, w))
    assert orders_until_dropout(r + x, np.full(5, alpha + T), a, b + x, t) == pytest.approx(textbook, rel=1e-9)


@given(A=st.floats(0.05, 60), z=st.floats(1e-3, 20), a=st.floats(0.05, 60), B=st.floats(0.1, 300))
@settings(max_examples=40, deadline=None)
def test_series_and_integral_are_the_same_number(A: float, z: float, a: float, B: float) -> None:
    closed = orders_until_dropout(np.array([A]), np.ones(1), np.array([a]), np.array([B]), np.array([z]))
    direct = _integral(np.array([A]), np.array([z]), np.array([a]), np.array([B]))
    assert closed == pytest.approx(direct, rel=1e-5, abs=1e-12)


def test_there_is_no_hole_where_a_passes_through_one() -> None:
    a = 1 + np.array([-1e-3, -1e-6, -1e-9, -1e-13, 0.0, 1e-13, 1e-9, 1e-6, 1e-3])
    M = orders_until_dropout(np.full(9, 3.2), np.full(9, 40.0), a, np.full(9, 5.0), np.full(9, 39.0))
    assert np.all(np.abs(np.diff(M)) < 1e-3 * M[4])
    assert M[3:6] == pytest.approx(np.full(3, M[4]), rel=1e-9)
    near = ParetoNBD().orders_if_alive(np.array([0.5, 10.0, 1 + 1e-12, 11.0]), ROWS, np.full(7, 39.0))
    at = ParetoNBD().orders_if_alive(np.array([0.5, 10.0, 1.0, 11.0]), ROWS, np.full(7, 39.0))
    assert near == pytest.approx(at, rel=1e-9)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: f"{m.name}{getattr(m, 'k', '')}")
def test_discounted_orders_are_the_discounted_sum_over_small_steps(model: PurchaseModel) -> None:
    p = np.array([0.8, 6.0, 0.7, 2.0][: len(model.parameters)])
    edges = np.linspace(0, 104.0, 101)
    cumulative = np.array([model.orders_if_alive(p, ROWS, np.full(7, t)) for t in edges])
    middle = (edges[1:] + edges[:-1]) / 2
    steps = (np.diff(cumulative, axis=0) * np.exp(-0.01 * middle)[:, None]).sum(axis=0)
    assert model.discounted_if_alive(p, ROWS, 104.0, 0.01) == pytest.approx(steps, rel=5e-4)
    assert model.discounted_if_alive(p, ROWS, 104.0, 0.0) == pytest.approx(cumulative[-1], rel=1e-12)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: f"{m.name}{getattr(m, 'k', '')}")
def test_half_of_the_next_orders_come_before_the_median(model: PurchaseModel) -> None:
    never_dies = [0.8, 6.0, 1e-6, 2.0] if model.name == "pareto_nbd" else [0.8, 6.0, 0.7, 2.0][: len(model.parameters)]
    p = np.array(never_dies)
    median = model.median_next_order(p, ROWS)
    assert model.order_within_if_alive(p, ROWS, median) == pytest.approx(np.full(7, 0.5), abs=1e-4)


CASES = {
    "nbd": {"r": 0.6, "alpha": 8.0},
    "bg_nbd": {"r": 0.5, "alpha": 5.0, "a": 0.8, "b": 2.5},
    "mbg_nbd": {"r": 0.8, "alpha": 6.0, "a": 0.7, "b": 2.0},
    "pareto_nbd": {"r": 0.8, "alpha": 9.0, "s": 0.7, "beta": 12.0},
    "mbg_cnbd_k": {"r": 0.9, "alpha": 3.0, "a": 0.5, "b": 2.0},
}


@pytest.mark.parametrize("name", list(CASES))
def test_expectations_under_the_truth_match_invented_lives(name: str) -> None:
    by_name = {m.name: m for m in MODELS[:5]}
    model, p = by_name[name], np.array(list(CASES[name].values()))
    world = simulate_histories(name, CASES[name], 30_000, seed=5)
    h = world.histories
    alive = model.p_alive(p, h)
    expected = alive * model.orders_if_alive(p, h, np.full(len(h), 26.0))
    within = alive * model.order_within_if_alive(p, h, np.full(len(h), 26.0))
    for repeats in (h.x == 0, (h.x > 0) & (h.x < 4), h.x >= 4):
        n = repeats.sum()
        error = world.future_orders[repeats].std() / np.sqrt(n)
        assert abs(expected[repeats].mean() - world.future_orders[repeats].mean()) < 4 * error
        assert abs(within[repeats].mean() - (world.future_orders[repeats] > 0).mean()) < 4 * 0.5 / np.sqrt(n)
        assert abs(alive[repeats].mean() - world.alive[repeats].mean()) < 4 * 0.5 / np.sqrt(n)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: f"{m.name}{getattr(m, 'k', '')}")
def test_a_hundred_thousand_orders_and_other_extremes_stay_finite(model: PurchaseModel) -> None:
    h = Histories.of([100_000, 100_000, 100_000, 0, 1, 0], [59.999, 30, 1, 0, 1e-9, 0], [60, 60, 60, 60, 60, 0])
    corners = [[0.5, 5.0, 0.8, 2.5], [1e-3, 1e-3, 1e-3, 1e-3], [1e3, 1e3, 1e3, 1e3], [0.3, 1e4, 5.0, 1e-2]]
    for corner in corners:
        p = np.array(corner[: len(model.parameters)])
        value, slopes = model.log_likelihood(p, h)
        assert np.isfinite(value).all() and all(np.isfinite(s).all() for s in slopes)
        p_alive = model.p_alive(p, h)
        assert np.all((p_alive >= 0) & (p_alive <= 1))
        for horizon in (0.0, 1.0, 1e5):
            t = np.full(6, horizon)
            orders = model.orders_if_alive(p, h, t)
            assert np.isfinite(orders).all() and np.all(orders >= 0)
            within = model.order_within_if_alive(p, h, t)
            assert np.all((within >= 0) & (within <= 1 + 1e-9))
        assert np.isfinite(model.discounted_if_alive(p, h, 104.0, 0.002)).all()
        assert np.isfinite(model.median_next_order(p, h)).all()
