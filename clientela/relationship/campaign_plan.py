"""A campaign before it begins: how many customers it takes to see an effect, and who is held out.

Belongs here: the arithmetic and the draw. Does not belong here: who may be chosen, and that a draw is kept.

The sample size is that of the comparison which judges the campaign later (`campaign_comparisons`): the difference of two
means, seen at a two-sided level of 10 % with a chance of 80 %. Who is held out follows from a hash of the customer's id, salted
per campaign: no order of rows, no second draw and no other campaign has a say in it.
"""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass

from scipy.special import ndtri

from clientela.relationship.campaign_comparisons import LEVEL, POWER

CHOSEN, HELD_OUT = "chosen", "held_out"


@dataclass(frozen=True)
class SampleSize:
    """What so many customers can show: `detectable` is the smallest true difference per customer, None where there is nobody.

    `customers_needed` is for the wanted effect; None where none was named.
    """

    customers: int
    held_out_share: float
    detectable: float | None
    customers_needed: int | None


def sample_size(deviation: float, customers: int, held_out_share: float, effect: float | None = None) -> SampleSize:
    """deviation: the standard deviation of a customer's amount; effect: the wanted difference per customer, same unit.

    With a share h of n held out the variance of the difference is deviation^2 / n * (1/h + 1/(1-h)).
    """
    if not 0 < held_out_share < 1:
        raise ValueError(f"the share held out lies between 0 and 1; it is {held_out_share}")
    if effect is not None and effect <= 0:
        raise ValueError(f"the wanted effect is an amount above 0; it is {effect}")
    quantiles = float(ndtri((1 + LEVEL) / 2) + ndtri(POWER))
    spread = deviation * math.sqrt(1 / held_out_share + 1 / (1 - held_out_share))
    detectable = quantiles * spread / math.sqrt(customers) if customers else None
    needed = None if effect is None else math.ceil((quantiles * spread / effect) ** 2)
    return SampleSize(customers, held_out_share, detectable, needed)


def draw_arms(customer_ids: Iterable[int], salt: str, held_out_share: float) -> dict[int, str]:
    """The arm of each customer: held out where the hash of salt and id, taken as a fraction of one, lies below the share."""
    key = hashlib.blake2b(salt.encode(), digest_size=32).digest()
    arms = {}
    for customer_id in customer_ids:
        digest = hashlib.blake2b(str(customer_id).encode(), key=key, digest_size=8).digest()
        arms[customer_id] = HELD_OUT if int.from_bytes(digest, "big") / 2**64 < held_out_share else CHOSEN
    return arms
