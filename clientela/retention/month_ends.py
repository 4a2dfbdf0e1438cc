"""The states of all customers at all month-ends of the data, as one call for the warehouse.

Belongs here: which month-ends there are, and what of the settings and of the first day of the data each function needs.
Does not belong here: the rules themselves.
"""

from datetime import date, timedelta

import polars as pl

from clientela.retention.calendar import points
from clientela.retention.rhythm import rhythms
from clientela.retention.settings import RetentionSettings
from clientela.retention.states import contract_months, states

_KEPT = (
    "purchase_days",
    "days_since_last_activity",
    "expected_days_between_orders",
    "stddev_days_between_orders",
    "recency_ratio",
    "recency_zscore",
)


def states_at_month_ends(
    as_of_on: date,
    left_censored_days: int,
    customers: pl.DataFrame,
    purchase_days: pl.DataFrame,
    contracts: pl.DataFrame,
    settings: RetentionSettings | None = None,
) -> pl.DataFrame:
    """Rhythm and state of every customer at every month-end, and at the as-of day, from their first purchase or contract on.

    customers: customer_id, first_seen_on, first_ordered_on. purchase_days: customer_id, ordered_on. contracts: as
    `states.contract_months` takes them. One row per customer_id and measured_on, with the columns of `states.states`, the
    customer's first_ordered_on and the rhythm.
    """
    s = settings or RetentionSettings()
    days = purchase_days.filter(pl.col("ordered_on") <= as_of_on)
    contracts = contracts.filter(pl.col("started_on") <= as_of_on)
    first = min([d for d in (days["ordered_on"].min(), contracts["started_on"].min()) if d], default=as_of_on)
    month_ends = points(first, as_of_on)  # type: ignore[arg-type]
    known = rhythms(days, month_ends, settings=s.rhythm)
    of_contracts = contract_months(contracts, month_ends) if len(contracts) else None
    found = states(known, s.states, of_contracts, _first_new_day(customers, left_censored_days))
    key = ["customer_id", "month_end"]
    return found.join(known.select(*key, "first_ordered_on", *_KEPT), on=key, how="left", maintain_order="left").rename(
        {"month_end": "measured_on"}
    )


def _first_new_day(customers: pl.DataFrame, left_censored_days: int) -> date | None:
    """From this day on, whoever is first seen is new: the rule by which the warehouse calls a customer left-censored."""
    beginning = customers["first_ordered_on"].min() or customers["first_seen_on"].min()
    return beginning + timedelta(days=left_censored_days) if isinstance(beginning, date) else None
