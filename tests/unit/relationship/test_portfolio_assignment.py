"""The plan of portfolios: capacities hold, it beats the greedy one, comes near the best there can be, and it keeps people."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linprog

from clientela.relationship import portfolio_programme
from clientela.relationship.portfolio_assignment import Plan, assign
from clientela.relationship.portfolio_problem import NOBODY, Customers, Portfolios


def company(
    customers: int, portfolios: int, seed: int, *, held: bool = False, hours: bool = True
) -> tuple[Customers, Portfolios]:
    """Kinds of customers that half of the portfolios may hold, with room for seven in ten."""
    rng = np.random.default_rng(seed)
    kinds = 2 + portfolios
    fit = rng.choice([0, 0.5, 0.7, 0.85, 1], size=(kinds, portfolios), p=[0.5, 0.1, 0.1, 0.1, 0.2])
    value = np.where(rng.random(customers) < 0.1, 0, rng.lognormal(5, 1.2, customers))
    taken = np.maximum(0.5, rng.gamma(1, 2, customers))
    capacity = np.floor(rng.uniform(0.5, 1.5, portfolios) * customers * 0.7 / portfolios)
    limit = capacity * taken.mean() * rng.uniform(0.7, 1.2, portfolios) if hours else np.full(portfolios, np.inf)
    holder = rng.integers(-1, portfolios, customers) if held else np.full(customers, NOBODY)
    return Customers(rng.integers(0, kinds, customers), value, taken, holder), Portfolios(fit, capacity, limit)


def moves(customers: Customers, plan: Plan) -> int:
    left = (customers.holder != NOBODY) & (plan.portfolio != customers.holder)
    return int((left & ~plan.forced).sum())


def assert_fits(customers: Customers, portfolios: Portfolios, plan: Plan) -> None:
    for place in range(len(portfolios.capacity)):
        own = plan.portfolio == place
        assert own.sum() <= portfolios.capacity[place]
        assert customers.hours[own].sum() <= portfolios.capacity_hours[place] + 1e-6
        assert (portfolios.fit[customers.kind[own], place] > 0).all()


def greedy(customers: Customers, portfolios: Portfolios) -> float:
    """The most valuable customer first, each where they are worth most and there is room."""
    room, hours, total = portfolios.capacity.copy(), portfolios.capacity_hours.copy(), 0.0
    for customer in np.argsort(-customers.value, kind="stable"):
        for place in np.argsort(-portfolios.fit[customers.kind[customer]], kind="stable"):
            share = portfolios.fit[customers.kind[customer], place]
            if share > 0 and room[place] >= 1 and hours[place] >= customers.hours[customer]:
                room[place] -= 1
                hours[place] -= customers.hours[customer]
                total += customers.value[customer] * share
                break
    return total


def bound(customers: Customers, portfolios: Portfolios) -> float:
    """What the linear programme of single customers allows, parts of customers included."""
    number, count = len(customers.value), len(portfolios.capacity)
    who, place = np.nonzero(portfolios.fit[customers.kind] > 0)
    pairs, ones = np.arange(len(who)), np.ones(len(who))
    rows = [
        sparse.csr_matrix((ones, (who, pairs)), shape=(number, len(who))),
        sparse.csr_matrix((ones, (place, pairs)), shape=(count, len(who))),
        sparse.csr_matrix((customers.hours[who], (place, pairs)), shape=(count, len(who))),
    ]
    limits = np.concatenate((np.ones(number), portfolios.capacity, np.minimum(portfolios.capacity_hours, 1e12)))
    gain = customers.value[who] * portfolios.fit[customers.kind[who], place]
    return float(-linprog(-gain, A_ub=sparse.vstack(rows, format="csr"), b_ub=limits, method="highs-ipm").fun)


@settings(deadline=None, max_examples=60)
@given(
    customers=st.integers(1, 80), portfolios=st.integers(1, 5), seed=st.integers(0, 9999), held=st.booleans(),
    hours=st.booleans(), gain=st.sampled_from([0.0, 20.0]), cap=st.sampled_from([None, 0, 3]),
    pairs=st.sampled_from([10, 40_000]),
)  # fmt: skip
def test_every_capacity_holds_and_so_does_the_cap_on_moves(
    customers: int, portfolios: int, seed: int, held: bool, hours: bool, gain: float, cap: int | None, pairs: int
) -> None:
    people, places = company(customers, portfolios, seed, held=held, hours=hours)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(portfolio_programme, "MAX_PAIRS", pairs)
        plan = assign(people, places, gain, cap)
        assert_fits(people, places, plan)
        assert cap is None or moves(people, plan) <= cap
        if not held:
            assert plan.value >= greedy(people, places) - 1e-6
        # made again from where it left them it moves nobody, whoever waits included
        again = assign(Customers(people.kind, people.value, people.hours, plan.portfolio), places, gain, 0)
        assert (again.portfolio == plan.portfolio)[plan.portfolio != NOBODY].all() and not again.forced.any()


def test_it_beats_the_greedy_plan_where_the_best_customer_would_take_another_s_only_place() -> None:
    """Ana is worth 100 in either portfolio, Ben 90 in the first alone: greedy gives Ana the first, and Ben has none."""
    people = Customers(np.array([0, 1]), np.array([100.0, 90.0]), np.ones(2), np.full(2, NOBODY))
    places = Portfolios(np.array([[1.0, 0.99], [1.0, 0.0]]), np.ones(2), np.full(2, np.inf))
    assert greedy(people, places) == 100
    plan = assign(people, places)
    assert plan.value == pytest.approx(189) and plan.portfolio.tolist() == [1, 0]


def test_it_comes_within_a_thousandth_of_the_best_there_can_be() -> None:
    people, places = company(4_000, 8, seed=1)
    plan = assign(people, places)
    assert_fits(people, places, plan)
    best = bound(people, places)
    assert 0.999 * best <= plan.value <= best * (1 + 1e-9)
    assert plan.value > greedy(people, places)


def test_customers_stay_unless_a_move_gains_more_than_the_threshold() -> None:
    people = Customers(np.array([0, 0]), np.array([100.0, 10.0]), np.ones(2), np.array([1, 1]))
    places = Portfolios(np.array([[1.0, 0.8]]), np.full(2, 2.0), np.full(2, np.inf))
    assert assign(people, places, 25.0).portfolio.tolist() == [1, 1], "20 and 2 are gained, 25 are asked for"
    assert assign(people, places, 5.0).portfolio.tolist() == [0, 1]
    assert assign(people, places, 0.0).portfolio.tolist() == [0, 0]
    assert assign(people, places, 0.0, max_moves=1).portfolio.tolist() == [0, 1], "one may move, who gains most"


def test_who_has_to_leave_leaves_outside_the_cap() -> None:
    """The first holds nobody any more, the second has room for one of its two."""
    people = Customers(np.array([0, 0, 0]), np.array([5.0, 9.0, 7.0]), np.ones(3), np.array([0, 1, 1]))
    places = Portfolios(np.array([[0.0, 1.0, 0.5]]), np.array([9.0, 1.0, 9.0]), np.full(3, np.inf))
    plan = assign(people, places, 0.0, max_moves=0)
    assert plan.forced.tolist() == [True, False, True] and plan.portfolio.tolist() == [2, 1, 2]


def test_hours_hold_for_people_where_the_programme_knew_the_mean_of_a_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the two fits by their mean of five hours; it is who takes one, not who takes nine."""
    monkeypatch.setattr(portfolio_programme, "MAX_PAIRS", 1)
    people = Customers(np.array([0, 0]), np.array([101.0, 100.0]), np.array([9.0, 1.0]), np.full(2, NOBODY))
    places = Portfolios(np.array([[1.0]]), np.full(1, np.inf), np.array([5.0]))
    assert assign(people, places).portfolio.tolist() == [NOBODY, 0]


def test_of_many_kinds_some_pairs_are_weighed_and_nothing_is_lost_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every customer is a kind of their own; two fifths of the pairs are weighed, and every capacity holds all the same."""
    rng = np.random.default_rng(2)
    fit = rng.choice([0, 0.5, 0.7, 0.85, 1], size=(800, 40), p=[0.5, 0.1, 0.1, 0.1, 0.2])
    people, places = company(800, 40, seed=2)
    people, places = replace(people, kind=np.arange(800)), replace(places, fit=fit)
    monkeypatch.setattr(portfolio_programme, "HARD_LIMIT", 6_400)
    shares = portfolio_programme.shares_of_groups(people, places, people.holder, 0.0, None)
    assert shares is not None and len(shares.place) <= 6_400 < 0.45 * (fit > 0).sum()
    best = bound(people, places)
    value = people.value[shares.of_group] * fit[shares.of_group, shares.place]
    assert (shares.shares * value).sum() >= 0.999 * best
    # where all are worth the same everywhere, not all may look at the same few portfolios
    anywhere = replace(places, fit=np.ones((800, 40)))
    even = portfolio_programme.shares_of_groups(people, anywhere, people.holder, 0.0, None)
    assert even is not None and len(even.place) <= 6_400
    assert (even.shares * people.value[even.of_group]).sum() >= 0.999 * bound(people, anywhere)
    plan = assign(people, places)
    assert_fits(people, places, plan)
    assert plan.value >= 0.99 * best, "a portfolio holds some fourteen customers: whole ones fill its hours less well"
    held = replace(people, holder=plan.portfolio, value=people.value * rng.lognormal(0, 0.3, 800))
    later = assign(held, places, 0.0, 30)
    assert_fits(held, places, later)
    assert 0 < moves(held, later) <= 30
