"""When P(alive) is left out: where nobody is seen to leave, it is no knowledge, and why is said in a sentence."""

import numpy as np
import polars as pl

from clientela.lifetime.candidates import Fitted
from clientela.lifetime.churn_probability import LEARNT_DAYS, Past
from clientela.lifetime.origins import LEFT_TRUNCATED_DAYS


def why_nobody_is_seen_to_leave(past: Past, alive: Fitted, *, by_origins: bool = True) -> str:
    """Why P(alive) cannot be known; empty where it can.

    Deaths are seen where the model has any, where most customers were seen to begin, and (`by_origins`) where, at the last
    origins, not more of those whom it thought gone came back than can still be customers by it.
    """
    begun = past.orders.order_days.group_by("customer_id").agg(pl.col("ordered_on").min())
    known_for = (pl.col("ordered_on") - pl.lit(past.orders.first_day)).dt.total_days()
    begun = begun.filter(pl.col("ordered_on") <= past.as_of)
    early = begun.filter(known_for < LEFT_TRUNCATED_DAYS).height
    if early > begun.height / 2:
        return (
            f"{early} of {begun.height} customers were there in the first {LEFT_TRUNCATED_DAYS} days of the data, so that it "
            "is not seen when they began"
        )
    if not any(part.fit.model.dropout_parameters for part in alive.parts.values()):
        return "no model that sees customers leave fits"
    days = LEARNT_DAYS[3]
    expected = variance = came_back = 0.0
    for origin in past.origins(days) if by_origins else ():
        known = past.known(origin)
        p = known.fitted.each(known.snapshot.histories, lambda f, h: f.p_alive(h))
        gone = p < 0.5
        expected += float(p[gone].sum())
        variance += float((p[gone] * (1 - p[gone])).sum())
        came_back += float((~past.nothing(origin, days)[gone]).sum())
    if came_back > expected + 2 * np.sqrt(variance):
        return (
            f"of those it called gone at the last origins {came_back:.0f} ordered within {days} days, where at most "
            f"{expected:.0f} could still be customers"
        )
    return ""
