"""Subscriptions with shifted beta-geometric churn (Fader & Hardie 2007): who subscribes, until when, and what is charged."""

from dataclasses import dataclass

import numpy as np

from clientela.simulate.catalogue import PLANS
from clientela.simulate.records import Membership
from clientela.simulate.settings import SimulateSettings
from clientela.simulate.streams import Floats, Ints, stream, weighted

MONTH = 30.4375
REASONS = ("price", "moved", "not used", "service", "other")


@dataclass(frozen=True)
class Subscriptions:
    """One row a contract, in order of start. `member` is the place among the web shop's memberships."""

    member: Ints
    plan: Ints
    started: Floats
    #: true probability of cancelling in each month, months paid in all, and the day it truly ends
    churn: Floats
    months: Ints
    ends: Floats
    by_customer: Ints
    reason: Ints
    #: charges up to the cut: which contract, and when
    charged: Ints
    charged_at: Floats


def draw_subscriptions(membership: Membership, registered: Floats, settings: SimulateSettings) -> Subscriptions:
    """`registered`: day of each membership's registration in the web shop."""
    rng = stream(settings.seed, "subscriptions")
    parameters, days = settings.subscription, float(settings.days)
    n = len(membership.person)
    candidate = np.flatnonzero((rng.random(n) < parameters.share) & ~membership.is_second)
    started = np.floor(registered[candidate] + 1 + rng.exponential(60, len(candidate)))
    candidate, started = candidate[started < days], started[started < days]
    order = np.argsort(started, kind="stable")
    member, started = candidate[order], started[order]
    k = len(member)
    churn = np.clip(rng.beta(parameters.alpha, parameters.beta, k), 1e-6, 1.0)
    months = np.minimum(rng.geometric(churn), 600)
    ends = np.floor(started + MONTH * months)
    due = np.minimum(months, np.ceil((days - started) / MONTH).astype(np.int64))
    charged = np.repeat(np.arange(k, dtype=np.int64), due)
    turn = np.arange(len(charged)) - np.repeat(np.cumsum(due) - due, due)
    at = started[charged] + MONTH * turn + 0.12
    keep = at < days
    return Subscriptions(
        member=member,
        plan=weighted(rng, (5, 3, 2), k) % len(PLANS),
        started=started,
        churn=churn,
        months=months,
        ends=ends,
        by_customer=(rng.random(k) < 0.9).astype(np.int64),
        reason=weighted(rng, (4, 1, 3, 2, 2), k),
        charged=charged[keep],
        charged_at=at[keep],
    )
