"""The invented company as a whole: who it knows, what they bought, said, were sent and were given.

Each topic is drawn in its own module; here they are joined: orders find their system and record, records their date of
registration. Nothing here knows a column name or a file.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from clientela.simulate import baskets, contacts, loyalty
from clientela.simulate.baskets import Lines, Orders
from clientela.simulate.campaigns import WINDOW, Campaigned, run_campaigns
from clientela.simulate.catalogue import CATEGORIES, Catalogue, draw_catalogue, exchange_rates, month_of
from clientela.simulate.people import People, draw_people
from clientela.simulate.purchases import Histories, draw_histories
from clientela.simulate.records import (
    CALL_CENTRE,
    LOYALTY,
    TILL,
    WEBSHOP,
    Membership,
    Records,
    keys_of,
    memberships,
    write_down,
)
from clientela.simulate.settings import SimulateSettings
from clientela.simulate.streams import Floats, Ints, skewed, stream
from clientela.simulate.subscriptions import Subscriptions, draw_subscriptions
from clientela.simulate.words import EN, PL

_ANONYMOUS = 0.08
_EUR, _GBP, _PLN, _USD = range(4)


@dataclass(frozen=True)
class Sales:
    """One system's orders and lines; `keys` are the system's own order numbers, in the orders' order."""

    orders: Orders
    lines: Lines
    keys: Ints


@dataclass(frozen=True)
class Company:
    """Everything that is true of one company."""

    settings: SimulateSettings
    people: People
    #: person of each buyer of the histories
    buyers: Ints
    histories: Histories
    campaigned: Campaigned
    catalogue: Catalogue
    records: dict[str, Records]
    memberships: dict[str, Membership]
    #: day on which each membership was registered
    registered: dict[str, Floats]
    #: of each person
    favourite: Ints
    till: Sales
    webshop: Sales
    subscriptions: Subscriptions
    tickets: contacts.Tickets
    sessions: contacts.Sessions
    rewards: loyalty.Rewards
    consents: loyalty.Consents
    erasures: tuple[Ints, Floats]


@dataclass(frozen=True)
class _Purchases:
    """Orders before they have a basket; `person` is -1 for a sale without a customer."""

    person: Ints
    at: Floats
    amount: Floats
    coupon: Ints
    cause: Ints

    def of(self, rows: Ints) -> "_Purchases":
        return _Purchases(self.person[rows], self.at[rows], self.amount[rows], self.coupon[rows], self.cause[rows])


def build_company(settings: SimulateSettings) -> Company:
    """Draw the whole company. Deterministic in the settings."""
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(draw_people, settings)
        histories = draw_histories(settings)
        people = waiting.result()
    buyers = np.flatnonzero(people.is_buyer)
    known = memberships(people, settings)
    acquired, died = _life(people, buyers, histories, settings)
    rng = stream(settings.seed, "registrations")
    soon = acquired + rng.random(people.n) * np.minimum(90, settings.days - acquired)
    joined = np.where(known[LOYALTY].count > 0, soon, np.inf)
    campaigned = run_campaigns(histories, people.web_share[buyers], joined[buyers], settings)
    purchases = _purchases(settings, buyers, histories, campaigned)
    rng = stream(settings.seed, "systems")
    in_web = rng.random(len(purchases.at)) < people.web_share[purchases.person]
    till = _with_anonymous(purchases.of(np.flatnonzero(~in_web)), settings)
    web = purchases.of(np.flatnonzero(in_web))

    registered: dict[str, Floats] = {}
    member_of: dict[str, Ints] = {}
    for system, bought in ((TILL, till), (WEBSHOP, web)):
        member_of[system], registered[system] = _assign(known[system], bought, acquired, settings)
    registered[LOYALTY] = _later_for_second(known[LOYALTY], joined, settings)
    start = np.minimum(acquired, settings.days - 1.0)
    last_seen = np.minimum(np.where(np.isfinite(died), died + 60, np.inf), settings.days - 1e-3)
    called = start + rng.random(people.n) * np.maximum(last_seen - start, 0.0) * 0.6
    registered[CALL_CENTRE] = _later_for_second(known[CALL_CENTRE], called, settings)

    cards = _cards(known[LOYALTY], registered[LOYALTY], people.n)
    # each topic has its own stream of random numbers, so which thread comes first changes nothing
    with ThreadPoolExecutor(2) as pool:
        written = pool.map(lambda s: write_down(people, known[s], registered[s], cards, settings), known)
        records = dict(zip(known, written, strict=True))
    catalogue = draw_catalogue(settings)
    favourite = skewed(stream(settings.seed, "favourites"), len(CATEGORIES), people.n, 9.0)
    subscriptions = draw_subscriptions(known[WEBSHOP], registered[WEBSHOP], settings)
    till_orders = _orders(till, member_of[TILL], records[TILL])
    web_orders = _web_orders(web, member_of[WEBSHOP], records[WEBSHOP], known[WEBSHOP], people, subscriptions, settings)
    with ThreadPoolExecutor(2) as pool:
        sold = pool.map(
            lambda orders, system: _sell(orders, favourite, catalogue, settings, system),
            (till_orders, web_orders), (TILL, WEBSHOP),
        )  # fmt: skip
        sales = dict(zip((TILL, WEBSHOP), sold, strict=True))
    calls = known[CALL_CENTRE]
    answers = _answers(calls, campaigned, buyers, settings)
    tickets = contacts.draw_tickets(
        calls, registered[CALL_CENTRE], np.maximum(last_seen[calls.person], registered[CALL_CENTRE]), answers,
        catalogue.first_plan, settings,
    )  # fmt: skip
    visitors, since = known[WEBSHOP], registered[WEBSHOP]
    sessions = contacts.draw_sessions(visitors, since, np.maximum(last_seen[visitors.person], since), settings)
    every = [
        (s.orders.person, s.orders.at, np.add.reduceat(s.lines.company_net, np.flatnonzero(s.lines.number == 1)))
        for s in sales.values() if len(s.orders.at)
    ]  # fmt: skip
    person, at, net = (np.concatenate(columns) for columns in zip(*every, strict=True))
    return Company(
        settings=settings,
        people=people,
        buyers=buyers,
        histories=histories,
        campaigned=campaigned,
        catalogue=catalogue,
        records=records,
        memberships=known,
        registered=registered,
        favourite=favourite,
        till=sales[TILL],
        webshop=sales[WEBSHOP],
        subscriptions=subscriptions,
        tickets=tickets,
        sessions=sessions,
        rewards=loyalty.draw_rewards(known[LOYALTY], joined, person, at, net, settings),
        consents=loyalty.draw_consents(known[LOYALTY], registered[LOYALTY], settings),
        erasures=loyalty.draw_erasures(known[LOYALTY], registered[LOYALTY], settings),
    )


def _life(people: People, buyers: Ints, histories: Histories, settings: SimulateSettings) -> tuple[Floats, Floats]:
    """(acquired, died) of each person; prospects are met at some time and live on."""
    rng = stream(settings.seed, "prospects")
    acquired = rng.random(people.n) * settings.days
    acquired[buyers] = histories.acquired
    died = np.full(people.n, np.inf)
    died[buyers] = histories.died
    return acquired, died


def _purchases(settings: SimulateSettings, buyers: Ints, histories: Histories, campaigned: Campaigned) -> _Purchases:
    """All orders of known people up to the cut, in no order: the process less what campaigns kept away, plus what they added."""
    rng = stream(settings.seed, "coupons")
    happened = np.flatnonzero((histories.at < settings.days) & ~campaigned.lost)
    person = np.concatenate([histories.buyer[happened], campaigned.extra_buyer])
    at = np.concatenate([histories.at[happened], campaigned.extra_at])
    amount = np.concatenate([histories.amount[happened], campaigned.extra_amount])
    cause = np.concatenate([np.full(len(happened), -1, dtype=np.int64), campaigned.extra_campaign])
    coupon = np.where(rng.random(len(cause)) < 0.7, cause, -1)
    # who was contacted uses the code on orders they would have made anyway, too: attribution by code overstates
    contacts_made = campaigned.contacts.filter(pl.col("is_contacted"))
    for (number,), group in contacts_made.group_by("campaign", maintain_order=True):
        since = np.full(settings.customers, np.inf)
        since[group["buyer"].to_numpy()] = group["at"].to_numpy()
        start = float(group["at"].to_numpy().min())
        near = np.flatnonzero((at > start) & (at < start + WINDOW + 1) & (cause < 0))
        waited = at[near] - since[person[near]]
        uses = near[(waited > 0) & (waited < WINDOW) & (rng.random(len(near)) < 0.25)]
        coupon[uses] = int(number)  # type: ignore[call-overload]
    inside = at < settings.days
    return _Purchases(buyers[person[inside]], at[inside], amount[inside], coupon[inside], cause[inside])


def _with_anonymous(till: _Purchases, settings: SimulateSettings) -> _Purchases:
    """Sales at the till to people who gave no card and no name."""
    rng = stream(settings.seed, "anonymous sales")
    n = round(len(till.at) * _ANONYMOUS)
    nobody = np.full(n, -1, dtype=np.int64)
    amount = rng.gamma(settings.spend.p, 1.0, n) / rng.gamma(settings.spend.q, 1 / settings.spend.gamma, n)
    return _Purchases(
        np.concatenate([till.person, nobody]), np.concatenate([till.at, rng.random(n) * settings.days]),
        np.concatenate([till.amount, amount]), np.concatenate([till.coupon, nobody]), np.concatenate([till.cause, nobody]),
    )  # fmt: skip


def _assign(
    membership: Membership, bought: _Purchases, acquired: Floats, settings: SimulateSettings
) -> tuple[Ints, Floats]:
    """(membership of each order, day of registration of each membership): who has two records uses the second one later on."""
    rng = stream(settings.seed, f"assignment {membership.system}")
    known = bought.person >= 0
    person = np.maximum(bought.person, 0)
    start = acquired[membership.person]
    second_since = start + (settings.days - start) * rng.random(len(start))
    member = membership.first[person]
    has_two = known & (membership.count[person] == 2)
    other = np.minimum(member + 1, len(start) - 1)
    uses = has_two & (bought.at > second_since[other]) & (rng.random(len(member)) < 0.6)
    member = np.where(known, np.where(uses, other, member), -1)
    waiting = np.where(membership.is_second, second_since, start + rng.exponential(90, len(start)))
    registered = np.minimum(waiting, settings.days - 1e-3)
    earliest = np.full(len(start), np.inf)
    np.minimum.at(earliest, member[known], bought.at[known])
    seen = np.isfinite(earliest) & ~membership.is_second
    # a customer is registered minutes before their first order, however early in the day that was
    registered = np.where(
        seen, earliest - (2 + 8 * rng.random(len(start))) / 1440, np.minimum(registered, earliest - 1e-3)
    )
    return member, np.maximum(registered, 0.0)


def _later_for_second(membership: Membership, since: Floats, settings: SimulateSettings) -> Floats:
    """Day of registration of each membership; a second record comes later."""
    rng = stream(settings.seed, f"second records {membership.system}")
    start = np.minimum(since[membership.person], settings.days - 1e-3)
    return np.where(membership.is_second, start + (settings.days - start) * rng.random(len(start)) * 0.999, start)


def _cards(membership: Membership, registered: Floats, people: int) -> pl.Series:
    """Each person's loyalty number, null for who has none."""
    keys = keys_of(LOYALTY, len(registered))
    order = np.argsort(registered, kind="stable")
    place = np.empty(len(registered), dtype=np.int64)
    place[order] = np.arange(len(registered))
    has = membership.count > 0
    mine = (
        keys.gather(place[np.where(has, membership.first, 0)])
        if len(place)
        else pl.Series([None] * people, dtype=pl.String)
    )
    return pl.select(pl.when(pl.Series(has)).then(mine)).to_series()


def _orders(bought: _Purchases, member: Ints, records: Records) -> Orders:
    sequence = np.argsort(bought.at, kind="stable")
    n, nothing = len(sequence), np.full(len(sequence), -1, dtype=np.int64)
    sorted_, member = bought.of(sequence), member[sequence]
    return Orders(
        person=sorted_.person,
        place=np.where(member >= 0, records.place[np.maximum(member, 0)], -1),
        at=sorted_.at,
        amount=sorted_.amount,
        coupon=sorted_.coupon,
        cause=sorted_.cause,
        currency=np.zeros(n, dtype=np.int64),
        rate=nothing,
        plan=nothing,
        returns=nothing,
    )


def _web_orders(
    bought: _Purchases, member: Ints, records: Records, membership: Membership, people: People,
    subscriptions: Subscriptions, settings: SimulateSettings,
) -> Orders:  # fmt: skip
    """Purchases in their currencies, and the charges of subscriptions in the company's."""
    rng = stream(settings.seed, "currencies")
    charges = subscriptions.charged if settings.bills_subscriptions else np.zeros(0, dtype=np.int64)
    charged_member = subscriptions.member[charges]
    nothing = np.full(len(charges), -1, dtype=np.int64)
    plan = subscriptions.plan[charges]
    everything = _Purchases(
        np.concatenate([bought.person, membership.person[charged_member]]),
        np.concatenate([bought.at, subscriptions.charged_at[: len(charges)]]),
        np.concatenate([bought.amount, baskets.plan_amounts()[plan]]),
        np.concatenate([bought.coupon, nothing]),
        np.concatenate([bought.cause, nothing]),
    )
    members = np.concatenate([member, charged_member])
    plans = np.concatenate([np.full(len(bought.at), -1, dtype=np.int64), plan])
    orders = _orders(everything, members, records)
    plans = plans[np.argsort(everything.at, kind="stable")]
    language = people.language[orders.person]
    abroad = np.where(language == EN, _GBP, np.where(language == PL, _PLN, _EUR))
    currency = np.where((abroad == _EUR) & (rng.random(len(plans)) < 0.03), _USD, abroad)
    return replace(orders, currency=np.where(plans >= 0, _EUR, currency).astype(np.int64), plan=plans)


def _sell(orders: Orders, favourite: Ints, catalogue: Catalogue, settings: SimulateSettings, system: str) -> Sales:
    rates, rng = exchange_rates(settings), stream(settings.seed, f"baskets {system}")
    orders = baskets.with_returns(orders, rng, float(settings.days))
    orders = replace(orders, rate=rates[orders.currency, month_of(settings, orders.at)])
    likes = np.where(orders.person >= 0, favourite[orders.person], rng.integers(0, len(CATEGORIES), len(orders.at)))
    lines = baskets.fill(orders, likes, catalogue, rng, includes_tax=system == TILL)
    number = np.arange(len(orders.at), dtype=np.int64)
    keys = number + 1_000_001 if system == TILL else number * 7 + 40_000_003
    return Sales(orders, lines, keys)


def _answers(
    calls: Membership, campaigned: Campaigned, buyers: Ints, settings: SimulateSettings
) -> tuple[Ints, Ints, Floats]:
    """Who rings up because of a campaign: (membership, campaign, day)."""
    rng = stream(settings.seed, "answers")
    contacted = campaigned.contacts.filter(pl.col("is_contacted"))
    person = buyers[contacted["buyer"].to_numpy()]
    rings = (calls.count[person] > 0) & (rng.random(len(person)) < 0.05)
    at = contacted["at"].to_numpy()[rings] + 1 + 10 * rng.random(int(rings.sum()))
    return calls.first[person[rings]], contacted["campaign"].to_numpy()[rings], at
