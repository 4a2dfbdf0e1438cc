"""The states of customers at all month-ends of the data: of all at once, or of a block of them, as one call for the warehouse.

Belongs here: which month-ends there are, and what of the settings and of the first day of the data each function needs.
Does not belong here: the rules themselves.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import polars as pl

from clientela.retention.calendar import points
from clientela.retention.rhythm import count_first_gaps, rhythms, typical_gaps
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


@dataclass(frozen=True)
class Company:
    """What judging a customer takes of all others; small, however many they are.

    month_ends: those of the data, the as-of day last. typical: see `rhythm.typical_gaps`. first_new_day: from it on, whoever
    is first seen is new; it is the rule by which the warehouse calls a customer left-censored.
    """

    as_of_on: date
    month_ends: list[date]
    first_new_day: date | None
    settings: RetentionSettings
    typical: pl.DataFrame = field(default_factory=pl.DataFrame)

    @classmethod
    def of(
        cls,
        as_of_on: date,
        left_censored_days: int,
        first_days: Iterable[date | None],
        first_seen: Sequence[date | None],
        settings: RetentionSettings,
    ) -> "Company":
        """first_days: the first purchase, return and contract; first_seen: the first order, and the first day of anyone."""
        first = min((day for day in first_days if day and day <= as_of_on), default=as_of_on)
        beginning = next((day for day in first_seen if day), None)
        new = beginning and beginning + timedelta(days=left_censored_days)
        return cls(as_of_on, points(first, as_of_on), new, settings)

    def knowing(self, purchase_days: Iterable[pl.DataFrame]) -> "Company":
        """With what is typical of it: every customer's purchase days, each customer's in one of the frames."""
        counted = [count_first_gaps(days, self.month_ends, settings=self.settings.rhythm) for days in purchase_days]
        return replace(self, typical=typical_gaps(pl.concat(counted), self.month_ends, self.settings.rhythm))


def states_at_month_ends(
    as_of_on: date,
    left_censored_days: int,
    customers: pl.DataFrame,
    purchase_days: pl.DataFrame,
    contracts: pl.DataFrame,
    settings: RetentionSettings | None = None,
    return_days: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The states of all customers at once; see `states_of`. customers: customer_id, first_seen_on, first_ordered_on."""
    returned = purchase_days.clear() if return_days is None else return_days
    first_days = (purchase_days["ordered_on"].min(), returned["ordered_on"].min(), contracts["started_on"].min())
    first_seen = (customers["first_ordered_on"].min(), customers["first_seen_on"].min())
    company = Company.of(as_of_on, left_censored_days, first_days, first_seen, settings or RetentionSettings())  # type: ignore[arg-type]
    return states_of(company.knowing([purchase_days]), purchase_days, returned, contracts)


def states_of(
    company: Company, purchase_days: pl.DataFrame, return_days: pl.DataFrame, contracts: pl.DataFrame
) -> pl.DataFrame:
    """Rhythm and state of these customers at every month-end, and at the as-of day, from their first order line or contract on.

    purchase_days, return_days: customer_id, ordered_on. contracts: as `states.contract_months` takes them. All three have all
    rows of the customers that they are about: all customers, or a block of them. One row per customer_id and measured_on,
    sorted by both, with the columns of `states.states`, the customer's first_ordered_on and the rhythm.

    Whoever brings back what they bought before the data begin is a customer, of whom no purchase is known: until the first
    one the silence is counted from the last return, and fixed days judge it. Who has contracts is judged by these alone.
    """
    s, month_ends = company.settings, company.month_ends
    days = purchase_days.filter(pl.col("ordered_on") <= company.as_of_on)
    contracts = contracts.filter(pl.col("started_on") <= company.as_of_on)
    returned = return_days.select(days.columns).filter(pl.col("ordered_on") <= company.as_of_on)
    known = rhythms(days, month_ends, settings=s.rhythm, typical=company.typical)
    known = pl.concat([known, _returns_alone(returned, days, contracts, month_ends)], how="diagonal")
    of_contracts = contract_months(contracts, month_ends) if len(contracts) else None
    found = states(known, s.states, of_contracts, company.first_new_day)
    key = ["customer_id", "month_end"]
    return found.join(known.select(*key, "first_ordered_on", *_KEPT), on=key, how="left", maintain_order="left").rename(
        {"month_end": "measured_on"}
    )


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
