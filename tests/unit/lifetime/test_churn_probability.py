"""P(no order): learnt where the past teaches, tied to the expectation beside it; P(alive) left out where it is no knowledge."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from clientela.lifetime.candidates import fit_snapshot
from clientela.lifetime.churn_backtest import auc, compared, deciles_of
from clientela.lifetime.churn_features import known_at
from clientela.lifetime.churn_probability import LEARNT_DAYS, UNTAUGHT, Memo, Past, answer, learn, tied
from clientela.lifetime.model_of_p_alive import fit_alive
from clientela.lifetime.origins import Orders
from clientela.lifetime.p_alive_unseen import why_nobody_is_seen_to_leave

AS_OF = date(2025, 6, 30)


def orders_of(customers: int = 400) -> Orders:
    """A year and a half of a shop whose customers join over a year, and leave."""
    rng = np.random.default_rng(4)
    rows = []
    for customer in range(customers):
        day, mean_gap = int(rng.integers(0, 365)), rng.uniform(5, 40)
        end = day + rng.exponential(150)
        while day < min(545, end + 1):
            rows.append((customer, date(2024, 1, 1) + timedelta(days=day)))
            day += 1 + int(rng.exponential(mean_gap))
    return Orders.of(pl.DataFrame(rows, schema=["customer_id", "ordered_on"], orient="row"))


def test_the_answer_lies_within_what_the_expected_orders_allow_and_falls_with_the_horizon() -> None:
    raw = {3: np.array([0.9, 0.2, 0.5, 0.5]), 12: np.array([0.95, 0.1, 0.5, 0.9])}
    expected = {3: np.array([0.3, 0.05, 1.0, 45.5]), 12: np.array([0.4, 0.2, 4.0, 182.5])}
    out = tied(raw, expected, {3: 91, 12: 365})
    assert out[3] == pytest.approx([0.9, np.exp(-0.05), 0.5, 0.5]), "none is as likely as if orders came at random"
    assert all((expected[months] >= 1 - out[months]).all() for months in out), (
        "an order no likelier than orders expected"
    )
    assert out[12] == pytest.approx([0.9, np.exp(-0.2), 0.5, 0.5]), (
        "never above the shorter horizon, nor more than one order a day"
    )


def test_what_cannot_be_learnt_is_what_pareto_nbd_says_and_what_can_lies_nearer_to_the_truth() -> None:
    rng = np.random.default_rng(1)
    columns = rng.normal(size=(4_000, 4))
    truth = 1 / (1 + np.exp(-(2 * columns[:, 0] + columns[:, 2] - 1)))
    nothing = rng.random(4_000) < truth
    prior = UNTAUGHT.probability(columns)
    assert prior == pytest.approx(1 / (1 + np.exp(-columns[:, 2])))
    learnt = learn(columns, nothing).probability(columns)
    assert np.abs(learnt - truth).mean() < 0.03 < np.abs(prior - truth).mean()
    few = learn(columns[:4], nothing[:4], ridge=1e6).probability(columns[:4])
    log_odds = [np.log(p / (1 - p)) for p in (few, prior[:4])]
    assert np.diff(log_odds[0]) == pytest.approx(np.diff(log_odds[1]), abs=0.01), (
        "where little is seen the level alone moves"
    )


def test_it_is_learnt_over_its_own_length_or_the_longest_shorter_one_and_from_nothing_later() -> None:
    orders = orders_of()
    past = Past(orders, AS_OF)
    learnt = {months: past.learnt(months) for months in LEARNT_DAYS}
    assert {months: one.days for months, one in learnt.items()} == {3: 91, 6: 182, 12: 365}
    assert all(day + timedelta(days=one.days) <= AS_OF for one in learnt.values() for day in one.origins)
    early = Past(orders, date(2024, 12, 31))
    assert early.learnt(12).days == 182
    assert Past(orders, date(2024, 4, 30)).learnt(3) is UNTAUGHT
    known = orders.frame.filter(pl.col("ordered_on") <= date(2024, 12, 31))
    alone = Past(Orders.of(known.select("customer_id", "ordered_on")), date(2024, 12, 31))
    assert np.array_equal(alone.learnt(6).weights, early.learnt(6).weights)


def test_everybody_has_an_answer_that_ranks_and_is_scored_on_what_came() -> None:
    orders = orders_of()
    cut = date(2025, 3, 31)
    past = Past(orders, cut)
    s = orders.at(cut, holdout_days=91)
    now = known_at(orders, s)
    days = dict(LEARNT_DAYS)
    expected = {m: now.fitted.each(s.histories, lambda f, h, d=d: f.expected_orders(h, d)) for m, d in days.items()}
    found = answer(past, now, expected, days)
    assert s.actual_orders is not None
    nothing = s.actual_orders == 0
    assert (auc(nothing, found.by_months[3]) or 0) > 0.9
    assert abs(found.by_months[3].mean() - nothing.mean()) < 0.08
    assert (found.within_30_days >= found.within_90_days).all() and (found.within_90_days >= found.by_months[6]).all()
    scores, deciles = compared(past)
    assert set(scores["horizon_months"]) >= {3, 6} and deciles.height == 10 * scores.height
    assert set(scores["candidate"]) == {"recency", "expected_orders", "pareto_nbd", "combined"}


def test_p_alive_is_told_where_customers_leave_and_not_where_those_called_gone_come_back() -> None:
    orders, memo = orders_of(), Memo()
    alive = fit_alive(orders, AS_OF, len(orders.at(AS_OF)))
    past = Past(orders, AS_OF, memo)
    assert why_nobody_is_seen_to_leave(past, alive) == ""
    for day in past.origins(91):
        memo.nothing[day, 91] = np.zeros(len(past.known(day).snapshot), dtype=bool)
    assert "of those it called gone at the last origins" in why_nobody_is_seen_to_leave(past, alive)
    assert why_nobody_is_seen_to_leave(past, alive, by_origins=False) == ""
    nobody_leaves = fit_snapshot("nbd", orders.at(AS_OF))
    assert why_nobody_is_seen_to_leave(past, nobody_leaves) == "no model that sees customers leave fits"


def test_deciles_find_a_probability_that_is_off() -> None:
    rng = np.random.default_rng(3)
    p = rng.beta(1, 4, 20_000)
    y = rng.random(20_000) < p
    right = deciles_of(p, y)
    assert right["is_inside_interval"].all() and right["customers"].to_list() == [2000] * 10
    assert right["lift"][-1] == pytest.approx(right["share_without_order"][-1] / y.mean())
    assert not deciles_of(p * 1.2, y)["is_inside_interval"].all()
    assert auc(np.array([True, False]), np.array([0.5, 0.5])) == 0.5 and auc(np.array([True]), np.array([0.5])) is None
