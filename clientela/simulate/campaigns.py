"""Campaigns with randomised control groups, and what they truly change.

A contact may add one order within `WINDOW` days, or keep a customer from the orders they would have made. Of the six
campaigns one works differently on different customers; the others have one effect on all, or none.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from clientela.simulate.mistakes import chosen
from clientela.simulate.purchases import DAYS_PER_WEEK, Histories, Seasons
from clientela.simulate.settings import Process, SimulateSettings
from clientela.simulate.streams import Floats, Ints, Mask, stream

WINDOW = 30.0
#: by then everybody of a campaign has been contacted; what is kept away comes after
CONTACTED = 0.8
HELD_OUT = 0.25
#: the campaign whose effect differs from customer to customer
HETEROGENEOUS = 3


@dataclass(frozen=True)
class Campaign:
    """One campaign, and what it does."""

    key: str
    name: str
    kind: str
    approach: str
    channel: str
    goal: str
    #: when it starts, as a share of history
    at: float
    #: of those eligible, how many are chosen
    reach: float
    #: chance of one more order for each customer alive
    lift: float
    fixed_cost: float
    unit_cost: float


CAMPAIGNS = (
    Campaign("K01", "Bienvenida primavera", "newsletter", "market", "email", "second purchase", 0.42, 0.45, 0.0, 900.0, 0.02),
    Campaign("K02", "Vale 10 %", "coupon", "defensive", "post", "frequency", 0.51, 0.40, 0.05, 1500.0, 0.95),
    Campaign("K03", "Vuelta al cole", "newsletter", "market", "email", "cross-selling", 0.60, 0.50, 0.015, 800.0, 0.02),
    Campaign("K04", "Te echamos de menos", "win-back", "defensive", "post", "win back", 0.70, 0.70, 0.0, 2500.0, 1.10),
    Campaign("K05", "Catálogo de invierno", "catalogue", "market", "post", "seasonal sales", 0.80, 0.40, 0.03, 4200.0, 1.60),
    Campaign("K06", "Aviso por SMS", "service", "process", "sms", "self-service", 0.89, 0.45, 0.0, 300.0, 0.06),
)  # fmt: skip


@dataclass(frozen=True)
class Campaigned:
    """What the campaigns did to the company."""

    #: campaign, buyer, is_contacted, at, and the true effect of contact on this buyer
    contacts: pl.DataFrame
    #: orders that exist only because of a contact
    extra_buyer: Ints
    extra_at: Floats
    extra_amount: Floats
    extra_campaign: Ints
    #: of the histories' orders, those that a contact kept away
    lost: Mask


def run_campaigns(histories: Histories, web_share: Floats, joined: Floats, settings: SimulateSettings) -> Campaigned:
    """Choose, draw lots, contact, and change the purchases. `joined`: day of joining the loyalty scheme, else infinite."""
    rng = stream(settings.seed, "campaigns")
    seasons = Seasons(settings)
    lost = np.zeros(len(histories.at), dtype=np.bool_)
    contacts: list[pl.DataFrame] = []
    extra: list[tuple[Ints, Floats, Floats, Ints]] = []
    for number, campaign in enumerate(CAMPAIGNS if settings.campaigns else ()):
        at = np.floor(campaign.at * settings.days)
        eligible = np.flatnonzero((joined < at) & (histories.acquired < at))
        who = eligible[chosen(rng, campaign.reach, len(eligible))]
        is_contacted = ~chosen(rng, HELD_OUT, len(who))
        gain, loss = _effects(number, campaign, who, at, histories, web_share)
        alive = histories.died[who] > at
        gain, loss = np.where(alive, gain, 0.0), np.where(alive, loss, 0.0)
        moment = at + rng.random(len(who)) * 0.4 + 0.4
        comes = is_contacted & (rng.random(len(who)) < gain)
        buyer = who[comes]
        when = moment[comes] + WINDOW * rng.random(len(buyer)) ** 1.5
        amount = histories.mean_spend[buyer] * rng.standard_gamma(settings.spend.p, len(buyer)) / settings.spend.p
        extra.append((buyer, when, amount, np.full(len(buyer), number, dtype=np.int64)))
        stays_away = np.zeros(settings.customers)
        stays_away[who[is_contacted]] = loss[is_contacted]
        near = np.flatnonzero((histories.at > at + CONTACTED) & (histories.at <= at + WINDOW))
        lost[near] |= rng.random(len(near)) < stays_away[histories.buyer[near]]
        baseline = np.where(alive, _orders_ahead(histories, who, at, seasons, settings.process), 0.0)
        extra_orders = gain - loss * baseline
        contacts.append(
            pl.DataFrame(
                {
                    "campaign": np.full(len(who), number, dtype=np.int64),
                    "buyer": who,
                    "is_contacted": is_contacted,
                    "at": moment,
                    "expected_extra_orders": extra_orders,
                    "expected_extra_net": extra_orders * histories.mean_spend[who],
                }
            )
        )
    if not contacts:
        nothing = np.zeros(0)
        empty = pl.DataFrame(
            schema={
                "campaign": pl.Int64, "buyer": pl.Int64, "is_contacted": pl.Boolean, "at": pl.Float64,
                "expected_extra_orders": pl.Float64, "expected_extra_net": pl.Float64,
            }
        )  # fmt: skip
        return Campaigned(empty, nothing.astype(np.int64), nothing, nothing, nothing.astype(np.int64), lost)
    buyers, times, amounts, numbers = (np.concatenate(parts) for parts in zip(*extra, strict=True))
    return Campaigned(pl.concat(contacts), buyers, times, amounts, numbers, lost)


def _orders_ahead(histories: Histories, who: Ints, at: float, seasons: Seasons, process: Process) -> Floats:
    """Expected orders, from the contact to the window's end, of customers who are alive at `at`.

    A customer drops out at a constant rate h: Pareto/NBD at their own, BG/NBD and MBG/NBD with their probability at each
    purchase. Alive after t with exp(-h t), they buy at their rate until then, in even time.
    """
    begin, end = ((seasons.to_even(at + day) - seasons.to_even(at)) / DAYS_PER_WEEK for day in (CONTACTED, WINDOW))
    rate, dropout = histories.rate[who], histories.dropout[who]
    hazard = dropout if process == "pareto_nbd" else dropout * rate
    expected: Floats = rate * (np.expm1(-hazard * begin) - np.expm1(-hazard * end)) / hazard
    return expected


def _effects(
    number: int, campaign: Campaign, who: Ints, at: float, histories: Histories, web_share: Floats
) -> tuple[Floats, Floats]:
    """(chance of one more order, chance that an order stays away) for customers who are alive.

    The heterogeneous one follows what the data can show: how long ago and how often a customer has bought, and where.
    """
    if number != HETEROGENEOUS:
        return np.full(len(who), campaign.lift), np.zeros(len(who))
    past = histories.at < at
    orders = np.bincount(histories.buyer[past], minlength=len(histories.acquired))[who]
    last = np.full(len(histories.acquired), -np.inf)
    np.maximum.at(last, histories.buyer[past], histories.at[past])
    silent = at - last[who]
    gain: Floats = (
        0.02 + 0.26 * ((silent > 60) & (silent <= 270)) + 0.06 * (web_share[who] > 0.5) + 0.04 * (orders >= 3)
    )
    loss: Floats = np.where((orders >= 5) & (silent <= 45), 0.35, 0.0)
    return np.where(loss > 0, 0.0, gain), loss
