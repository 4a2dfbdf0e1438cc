"""The drawn histories have the moments that theory gives their models (20,000 customers; limits of four standard errors)."""

import numpy as np
import pytest
from scipy.special import hyp2f1

from clientela.simulate.purchases import DAYS_PER_WEEK, Seasons, draw_histories
from clientela.simulate.settings import FUTURE_DAYS, Process, PurchaseParameters, SimulateSettings
from clientela.simulate.streams import Floats

N = 20_000
P = PurchaseParameters()


def expected_repeats(process: Process, weeks: Floats) -> Floats:
    """E[X(t)]: Schmittlein et al. 1987 (eq. 17), Fader et al. 2005 (eq. 9), Batislam et al. 2007."""
    if process == "pareto_nbd":
        factor = P.r * P.beta / (P.alpha * (P.s - 1))
        return np.asarray(factor * (1 - (P.beta / (P.beta + weeks)) ** (P.s - 1)))
    z = weeks / (P.alpha + weeks)
    base = (P.alpha / (P.alpha + weeks)) ** P.r
    if process == "bg_nbd":
        return np.asarray((P.a + P.b - 1) / (P.a - 1) * (1 - base * hyp2f1(P.r, P.b, P.a + P.b - 1, z)))
    return np.asarray(P.b / (P.a - 1) * (1 - base * hyp2f1(P.r, P.b + 1, P.a + P.b, z)))


@pytest.mark.parametrize("process", ["pareto_nbd", "mbg_nbd", "bg_nbd"])
@pytest.mark.parametrize("future", [False, True])
def test_the_number_of_repeat_purchases_agrees_with_the_model(process: Process, future: bool) -> None:
    settings = SimulateSettings(customers=N, process=process, seed=11)
    h = draw_histories(settings)
    until = settings.days + (FUTURE_DAYS if future else 0)
    repeats = np.bincount(h.buyer[h.at < until], minlength=N) - 1
    theory = expected_repeats(process, (until - h.acquired) / DAYS_PER_WEEK)
    error = (repeats - theory).std() / np.sqrt(N)
    assert abs((repeats - theory).mean()) < 4 * error
    assert (repeats >= 0).all()


def test_the_share_alive_at_the_cut_agrees_with_pareto_dropout() -> None:
    settings = SimulateSettings(customers=N, seed=12)
    h = draw_histories(settings)
    weeks = (settings.days - h.acquired) / DAYS_PER_WEEK
    theory = (P.beta / (P.beta + weeks)) ** P.s
    alive = h.died >= settings.days
    assert abs((alive - theory).mean()) < 4 * 0.5 / np.sqrt(N)


@pytest.mark.parametrize("process", ["pareto_nbd", "mbg_nbd", "bg_nbd"])
def test_the_dead_buy_nothing_and_purchases_are_in_order(process: Process) -> None:
    h = draw_histories(SimulateSettings(customers=2_000, process=process, seed=13))
    assert (h.at <= h.died[h.buyer] + 1e-9).all()
    same = h.buyer[1:] == h.buyer[:-1]
    assert (np.diff(h.at)[same] >= 0).all()
    assert (np.diff(h.buyer) >= 0).all()


def test_spend_has_the_mean_and_the_shrinkage_of_gamma_gamma() -> None:
    settings = SimulateSettings(customers=N, seed=14)
    spend, h = settings.spend, draw_histories(settings)
    means = h.mean_spend
    theory = spend.p * spend.gamma / (spend.q - 1)
    assert abs(means.mean() - theory) < 4 * means.std() / np.sqrt(N)
    ratio = h.amount / means[h.buyer]
    assert abs(ratio.mean() - 1) < 4 * ratio.std() / np.sqrt(len(ratio))
    assert ratio.var() == pytest.approx(1 / spend.p, rel=0.03)
    # amount and frequency are independent
    count = np.bincount(h.buyer, minlength=N)
    assert abs(np.corrcoef(count, means)[0, 1]) < 4 / np.sqrt(N)


def test_seasons_move_purchases_within_the_year_and_never_between_years() -> None:
    flat = draw_histories(SimulateSettings(customers=5_000, seed=15))
    strong = draw_histories(SimulateSettings(customers=5_000, seed=15, seasonality=1.0))
    assert len(flat.at) == len(strong.at)
    years = np.array([0, 365, 731, 1096])
    assert (np.searchsorted(years, flat.at) == np.searchsorted(years, strong.at)).all()
    day = strong.at[(strong.at >= 365) & (strong.at < 731)] - 365
    december, february = ((day >= 335) & (day < 366)).sum() / 31, ((day >= 31) & (day < 60)).sum() / 29
    assert december / february > 2.5


def test_the_calendar_of_seasons_is_even_where_there_are_none() -> None:
    even = np.array([0.5, 100.25, np.inf])
    assert (Seasons(SimulateSettings()).to_calendar(even) == even).all()
    warped = Seasons(SimulateSettings(seasonality=0.7))
    days = warped.to_calendar(even)
    assert days[2] == np.inf
    assert (days[:2] != even[:2]).all()
    assert np.allclose([warped.to_even(day) for day in days[:2]], even[:2])
