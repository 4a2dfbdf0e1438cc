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
    return_days: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Rhythm and state of every customer at every month-end, and at the as-of day, from their first order line or contract on.

    customers: customer_id, first_seen_on, first_ordered_on. purchase_days, return_days: customer_id, ordered_on. contracts:
    as `states.contract_months` takes them. One row per customer_id and measured_on, with the columns of `states.states`, the
    customer's first_ordered_on and the rhythm.

    Whoever brings back what they bought before the data begin is a customer, of whom no purchase is known: until the first
    one the silence is counted from the last return, and fixed days judge it. Who has contracts is judged by these alone.
    """
    s = settings or RetentionSettings()
    days = purchase_days.filter(pl.col("ordered_on") <= as_of_on)
    contracts = contracts.filter(pl.col("started_on") <= as_of_on)
    returned = (days.clear() if return_days is None else return_days.select(days.columns)).filter(
        pl.col("ordered_on") <= as_of_on
    )
    begins = (days["ordered_on"].min(), returned["ordered_on"].min(), contracts["started_on"].min())
    month_ends = points(min([d for d in begins if d], default=as_of_on), as_of_on)  # type: ignore[type-var, arg-type]
    known = rhythms(days, month_ends, settings=s.rhythm)
    known = pl.concat([known, _returns_alone(returned, days, contracts, month_ends)], how="diagonal")
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


def _returns_alone(
    returned: pl.DataFrame, days: pl.DataFrame, contracts: pl.DataFrame, month_ends: list[date]
) -> pl.DataFrame:
    """The silence of those without a contract who have brought something back, at each month-end before the first purchase."""
    bought = days.group_by("customer_id").agg(first_bought_on=pl.col("ordered_on").min())
    alone = (
        returned.join(contracts, on="customer_id", how="anti")
        .join(bought, on="customer_id", how="left")
        .filter((pl.col("ordered_on") < pl.col("first_bought_on")).fill_null(True))
    )
    last = pl.col("ordered_on").max().alias("last_ordered_on")
    return (
        alone.join(pl.DataFrame({"month_end": month_ends}, schema={"month_end": pl.Date}), how="cross")
        .filter(
            (pl.col("ordered_on") <= pl.col("month_end"))
            & (pl.col("month_end") < pl.col("first_bought_on")).fill_null(True)
        )
        .group_by("customer_id", "month_end")
        .agg(last)
        .with_columns(days_since_last_activity=(pl.col("month_end") - pl.col("last_ordered_on")).dt.total_days())
    )
