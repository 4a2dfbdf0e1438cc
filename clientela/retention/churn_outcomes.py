"""Who did not come back: the outcome that reasons are weighed by.

Belongs here: the outcome at past month-ends. Does not belong here: the probability that no order comes, which is learnt in
`clientela.lifetime.churn_probability`; the rules by which a customer counts as gone today (states.py).
"""

from datetime import date

import polars as pl

from clientela.retention.calendar import end_of_period
from clientela.retention.states import GONE

_KEY = ["customer_id", "month_end"]


def outcomes(states: pl.DataFrame, horizon_months: int, as_of: date) -> pl.DataFrame:
    """Whether each customer who is not gone at a month-end has not ordered when the horizon is over: customer_id, month_end,
    churned (null where that lies beyond `as_of`). Of whom no purchase is known, whether they are gone by then.

    states: customer_id, month_end, state, purchase_days (so many until then).
    """
    states = states.filter(pl.col("month_end") <= as_of)
    later = states.select(
        "customer_id", at_end="month_end", is_gone=pl.col("state").is_in(GONE), purchase_days_later="purchase_days"
    )
    return (
        states.filter(~pl.col("state").is_in(GONE))
        .select(*_KEY, "purchase_days", at_end=end_of_period(pl.col("month_end"), horizon_months))
        .join(later, on=["customer_id", "at_end"], how="left")
        .with_columns(
            churned=pl.when(pl.col("purchase_days").is_null())
            .then("is_gone")
            .otherwise(pl.col("purchase_days_later") == pl.col("purchase_days"))
        )
        .select(*_KEY, "churned")
        .sort(_KEY)
    )
