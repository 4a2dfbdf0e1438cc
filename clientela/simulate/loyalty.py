"""The loyalty scheme: points earned and spent, gifts, consents given and withdrawn, requests to be forgotten."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from clientela.simulate.catalogue import month_of, month_starts
from clientela.simulate.records import Membership
from clientela.simulate.settings import SimulateSettings
from clientela.simulate.streams import Floats, Ints, stream, weighted

REWARD_KINDS = ("earned", "redeemed", "expired", "gift")
PURPOSES = ("marketing", "profiling", "relationship")
STATUSES = ("granted", "refused", "withdrawn")
CONSENT_CHANNELS = ("email", "sms", "phone", "")
#: euro cents that one point is worth
CENTS_PER_POINT = 2


@dataclass(frozen=True)
class Rewards:
    """In order of time; `member` is the place among the scheme's memberships."""

    member: Ints
    kind: Ints
    points: Ints
    value: Ints
    at: Floats


def draw_rewards(
    membership: Membership, joined: Floats, person: Ints, at: Floats, company_net: Ints, settings: SimulateSettings
) -> Rewards:
    """Points for what members bought since joining (one posting a month), and what became of them.

    `person`, `at`, `company_net`: all orders of the company; `joined`: of each person, infinite for who has no card.
    """
    rng = stream(settings.seed, "rewards")
    counts = np.flatnonzero((person >= 0) & (at >= joined[np.maximum(person, 0)]))
    months = month_of(settings, at[counts])
    sums = (
        pl.DataFrame({"person": person[counts], "month": months, "net": company_net[counts]})
        .group_by("person", "month").agg(pl.col("net").sum()).filter(pl.col("net") >= 100).sort("person", "month")
    )  # fmt: skip
    starts = np.array([(d - settings.start).days for d in month_starts(settings)], dtype=float)
    posted = starts[sums["month"].to_numpy() + 1] + 0.25
    inside = posted < settings.days
    member = membership.first[sums["person"].to_numpy()[inside]]
    points, posted = (sums["net"].to_numpy() // 100)[inside], posted[inside]
    n = len(member)
    redeems = np.flatnonzero((rng.random(n) < 0.22) & (points >= 20))
    expires = np.flatnonzero((rng.random(n) < 0.10) & (posted + 365 < settings.days))
    gifts = np.flatnonzero(rng.random(len(membership.person)) < 0.05)
    gift_at = joined[membership.person[gifts]] + 30 + 300 * rng.random(len(gifts))
    when = [
        posted,
        posted[redeems] + 1.5 + np.floor(60 * rng.random(len(redeems))),
        posted[expires] + 365,
        np.floor(gift_at) + 0.4,
    ]
    who = [member, member[redeems], member[expires], gifts]
    how_many = [points, points[redeems] // 2, points[expires] // 3, np.zeros(len(gifts), dtype=np.int64)]
    kind = np.repeat(np.arange(4, dtype=np.int64), [len(w) for w in who])
    everyone, amount, moment = np.concatenate(who), np.concatenate(how_many), np.concatenate(when)
    value = np.where(kind == 3, 400, amount * CENTS_PER_POINT)
    keep = (moment < settings.days) & ((amount > 0) | (kind == 3))
    order = np.flatnonzero(keep)[np.argsort(moment[keep], kind="stable")]
    return Rewards(everyone[order], kind[order], amount[order], value[order], moment[order])


@dataclass(frozen=True)
class Consents:
    """In order of time."""

    member: Ints
    purpose: Ints
    status: Ints
    channel: Ints
    at: Floats


def draw_consents(membership: Membership, registered: Floats, settings: SimulateSettings) -> Consents:
    """What members agree to when they join, and take back later."""
    rng = stream(settings.seed, "consents")
    n = len(membership.person)
    parts: list[tuple[Ints, Ints, Ints, Ints, Floats]] = []
    for purpose, (asked, granted) in enumerate(((1.0, 0.74), (0.6, 0.65), (0.12, 0.7))):
        who = np.flatnonzero(rng.random(n) < asked)
        yes = rng.random(len(who)) < granted
        channel = weighted(rng, (5, 2, 1, 3), len(who)) if purpose == 0 else np.full(len(who), 3, dtype=np.int64)
        kind = np.full(len(who), purpose, dtype=np.int64)
        parts.append((who, kind, np.where(yes, 0, 1), channel, registered[who] + 1e-4))
        leaves = np.flatnonzero(yes & (rng.random(len(who)) < 0.11))
        later = registered[who[leaves]] + 5 + rng.exponential(240, len(leaves))
        leaves, later = leaves[later < settings.days], later[later < settings.days]
        parts.append((who[leaves], kind[leaves], np.full(len(leaves), 2, dtype=np.int64), channel[leaves], later))
    member, purposes, status, channels, at = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(at, kind="stable")
    return Consents(member[order], purposes[order], status[order], channels[order], at[order])


def draw_erasures(membership: Membership, registered: Floats, settings: SimulateSettings) -> tuple[Ints, Floats]:
    """(member, day) of the requests to be forgotten, in order of time."""
    rng = stream(settings.seed, "erasures")
    n = len(membership.person)
    member = np.flatnonzero(rng.random(n) < 0.006)
    at = registered[member] + (settings.days - registered[member]) * rng.random(len(member)) * 0.999
    order = np.argsort(at, kind="stable")
    return member[order], at[order]
