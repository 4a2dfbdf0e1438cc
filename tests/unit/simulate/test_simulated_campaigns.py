"""Campaigns: who is contacted is drawn by lot, and contact does on average what the truth says."""

import numpy as np
import polars as pl
import pytest

from clientela.simulate.campaigns import CAMPAIGNS, HELD_OUT, HETEROGENEOUS, WINDOW, Campaigned, run_campaigns
from clientela.simulate.purchases import Histories, draw_histories
from clientela.simulate.settings import PROCESSES, Process, SimulateSettings
from clientela.simulate.streams import Floats, Ints

SETTINGS = SimulateSettings(customers=60_000, seed=21)


@pytest.fixture(scope="module")
def campaigned() -> tuple[Histories, Campaigned]:
    h = draw_histories(SETTINGS)
    share = np.random.default_rng(1).random(SETTINGS.customers)
    return h, run_campaigns(h, share, h.acquired + 10, SETTINGS)


def orders_after(h: Histories, c: Campaigned, number: int, buyers: Ints, at: Floats) -> Floats:
    """Orders of each buyer within the window after his day, of the process less those kept away plus those caused."""
    since = np.full(SETTINGS.customers, np.inf)
    since[buyers] = np.floor(at)
    kept = ~c.lost
    buyer, when = h.buyer[kept], h.at[kept]
    mine = (when > since[buyer] + 0.8) & (when <= since[buyer] + WINDOW)
    caused = np.bincount(c.extra_buyer[c.extra_campaign == number], minlength=SETTINGS.customers)
    return (np.bincount(buyer[mine], minlength=SETTINGS.customers) + caused)[buyers].astype(float)


@pytest.mark.parametrize("number", range(len(CAMPAIGNS)))
def test_contacted_less_held_out_is_the_true_effect(campaigned: tuple[Histories, Campaigned], number: int) -> None:
    h, c = campaigned
    chosen = c.contacts.filter(pl.col("campaign") == number)
    orders = orders_after(h, c, number, chosen["buyer"].to_numpy(), chosen["at"].to_numpy())
    contacted = chosen["is_contacted"].to_numpy()
    found = orders[contacted].mean() - orders[~contacted].mean()
    error = np.sqrt(orders[contacted].var() / contacted.sum() + orders[~contacted].var() / (~contacted).sum())
    true = float(chosen["expected_extra_orders"].to_numpy().mean())
    assert abs(found - true) < 4 * error
    if number == HETEROGENEOUS:
        assert true > 4 * error, "the one effect that there is to learn must show at this size"


@pytest.mark.parametrize("seasonality", [0.0, 1.0])
@pytest.mark.parametrize("process", PROCESSES)
def test_the_orders_that_contact_keeps_away_are_as_many_as_the_truth_expects(
    process: Process, seasonality: float
) -> None:
    settings = SimulateSettings(customers=60_000, seed=3, process=process, seasonality=seasonality)
    h = draw_histories(settings)
    c = run_campaigns(h, np.random.default_rng(1).random(settings.customers), h.acquired + 10, settings)
    harmed = c.contacts.filter("is_contacted", pl.col("campaign") == HETEROGENEOUS, pl.col("expected_extra_orders") < 0)
    at = np.floor(CAMPAIGNS[HETEROGENEOUS].at * settings.days)
    inside = c.lost & (h.at > at) & (h.at <= at + WINDOW) & np.isin(h.buyer, harmed["buyer"].to_numpy())
    expected = -harmed["expected_extra_orders"].sum()
    assert expected > 90
    assert abs(inside.sum() - expected) < 4 * expected**0.5


def test_lots_are_drawn_fairly(campaigned: tuple[Histories, Campaigned]) -> None:
    h, c = campaigned
    held_out = 1 - c.contacts["is_contacted"].to_numpy().mean()
    assert abs(held_out - HELD_OUT) < 4 * 0.5 / np.sqrt(c.contacts.height)
    rate, contacted = h.rate[c.contacts["buyer"].to_numpy()], c.contacts["is_contacted"].to_numpy()
    error = rate.std() * np.sqrt(1 / contacted.sum() + 1 / (~contacted).sum())
    assert abs(rate[contacted].mean() - rate[~contacted].mean()) < 4 * error


def test_one_campaign_helps_some_and_harms_others_and_the_rest_treat_all_alike(
    campaigned: tuple[Histories, Campaigned],
) -> None:
    h, c = campaigned
    alive = c.contacts.filter(pl.Series(h.died[c.contacts["buyer"].to_numpy()]) > c.contacts["at"])
    for (number,), group in alive.group_by("campaign"):
        effect = group["expected_extra_orders"].to_numpy()
        if number == HETEROGENEOUS:
            assert effect.min() < 0 < np.quantile(effect, 0.6)
        else:
            assert np.ptp(effect) < 1e-12


def test_without_campaigns_the_process_is_left_alone() -> None:
    settings = SimulateSettings(customers=500, campaigns=False)
    h = draw_histories(settings)
    c = run_campaigns(h, np.zeros(500), h.acquired, settings)
    assert not c.lost.any()
    assert c.contacts.is_empty()
    assert len(c.extra_at) == 0
