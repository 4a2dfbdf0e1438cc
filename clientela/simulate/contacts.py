"""Contacts in every channel: the call centre's tickets, complaints with the time they took, proposals, repairs, web sessions.

They depend on whether the customer is still alive, and change nothing of what they buy. File formats stand in `systems`.
"""

from dataclasses import dataclass

import numpy as np

from clientela.simulate.records import Membership
from clientela.simulate.settings import SimulateSettings
from clientela.simulate.streams import Floats, Ints, Mask, stream, weighted

KINDS = ("request", "complaint", "proposal", "repair", "incident", "warranty", "contact", "installation", "response")
_KIND_WEIGHTS = (40, 19, 15, 8, 7, 3, 6, 2)
#: hours to resolution: median by kind, and how many are never resolved
_MEDIAN_HOURS = np.array([4.0, 46.0, 190.0, 120.0, 20.0, 96.0, 0.5, 60.0, 0.2])
CHANNELS = ("phone", "email", "chat", "post", "visit", "store")
_CHANNEL_WEIGHTS = (58, 20, 14, 2, 3, 3)
_VISITS = (3, 7)
RESPONSE = 8
AGENTS = ("Begoña R.", "Iñaki M.", "Sofía L.", "Jürgen K.", "Zoë T.", "Óscar P.", "Łucja W.", "Noël D.")


@dataclass(frozen=True)
class Tickets:
    """One row a ticket, in order of the day it is delivered on. `resolved` is NaN where open at the cut."""

    member: Ints
    kind: Ints
    channel: Ints
    is_outbound: Mask
    opened: Floats
    resolved: Floats
    delivered: Floats
    #: proposals: won, and for how many cents; others 0
    is_won: Mask
    amount: Ints
    agent: Ints
    #: satisfaction 0 to 10, -1 where not asked
    score: Ints
    minutes: Floats
    #: product and campaign, -1 for none
    product: Ints
    campaign: Ints


def draw_tickets(
    membership: Membership, first_day: Floats, last_day: Floats, answers: tuple[Ints, Ints, Floats], products: int,
    settings: SimulateSettings,
) -> Tickets:  # fmt: skip
    """Tickets of the call centre between each member's first and last day; `answers` are responses to campaigns as
    (member, campaign, day)."""
    rng = stream(settings.seed, "tickets")
    span = np.maximum(last_day - first_day, 1.0)
    count = 1 + rng.poisson(np.minimum(0.35 + span / 900, 3.0))
    member = np.repeat(np.arange(len(membership.person), dtype=np.int64), count)
    n = len(member)
    kind = weighted(rng, _KIND_WEIGHTS, n)
    opened = first_day[member] + span[member] * rng.random(n)
    kind = np.concatenate([kind, np.full(len(answers[0]), RESPONSE, dtype=np.int64)])
    member = np.concatenate([member, answers[0]])
    opened = np.concatenate([opened, answers[2]])
    campaign = np.concatenate([np.full(n, -1, dtype=np.int64), answers[1]])
    inside = opened < settings.days
    member, kind, opened, campaign = member[inside], kind[inside], opened[inside], campaign[inside]
    n = len(member)
    opened = np.floor(opened) + 8 / 24 + opened % 1 * 12 / 24
    hours = _MEDIAN_HOURS[kind] * np.exp(rng.normal(0, 0.9, n))
    resolved = opened + hours / 24
    never = rng.random(n) < 0.03
    is_open = never | (resolved >= settings.days)
    delivered = np.where(is_open, settings.days - 1e-3, resolved)
    is_proposal = kind == KINDS.index("proposal")
    slow = np.clip(hours / _MEDIAN_HOURS[kind], 0.1, 10)
    score = np.clip(np.rint(8 - 1.6 * np.log(slow) - 1.5 * (kind == 1) + rng.normal(0, 1.2, n)), 0, 10).astype(np.int64)
    visits = np.isin(kind, _VISITS)
    order = np.argsort(delivered, kind="stable")
    tickets = Tickets(
        member=member,
        kind=kind,
        channel=np.where(visits, 4, weighted(rng, _CHANNEL_WEIGHTS, n)),
        is_outbound=is_proposal & (rng.random(n) < 0.7),
        opened=opened,
        resolved=np.where(is_open, np.nan, resolved),
        delivered=delivered,
        is_won=is_proposal & (rng.random(n) < 0.36),
        amount=np.where(is_proposal, np.rint(100 * np.exp(rng.normal(4.6, 0.8, n))).astype(np.int64), 0),
        agent=rng.integers(0, len(AGENTS), n),
        score=np.where(rng.random(n) < 0.4, score, -1),
        minutes=np.round(np.exp(rng.normal(1.8, 0.6, n)), 1).astype(np.float64),
        product=np.where(np.isin(kind, (1, 3, 5)), rng.integers(0, products, n), -1),
        campaign=campaign,
    )
    return Tickets(*(getattr(tickets, name)[order] for name in Tickets.__dataclass_fields__))


@dataclass(frozen=True)
class Sessions:
    """Visits to the web shop, in order of time."""

    member: Ints
    at: Floats
    minutes: Floats
    is_app: Mask


def draw_sessions(membership: Membership, first_day: Floats, last_day: Floats, settings: SimulateSettings) -> Sessions:
    """Visits between each account's first and last day."""
    rng = stream(settings.seed, "sessions")
    span = np.maximum(last_day - first_day, 0.5)
    count = rng.poisson(np.minimum(0.6 + span / 365, 2.5))
    member = np.repeat(np.arange(len(membership.person), dtype=np.int64), count)
    at = first_day[member] + span[member] * rng.random(len(member))
    member, at = member[at < settings.days], at[at < settings.days]
    order = np.argsort(at, kind="stable")
    n = len(order)
    return Sessions(member[order], at[order], np.round(rng.exponential(6.0, n) + 0.3, 1), rng.random(n) < 0.3)
