"""The survival curves of a company, by cohort, channel and segment, as one call for the warehouse.

Belongs here: whose durations are counted from which day, in which groups. Does not belong here: the curve itself, when a
silence is a lapse.

`first lapse`: from the first order to the first lapse; whoever was there before the data begin (left-censored) stands
apart, their beginning being unknown. `since landmark`: from one month-end on, customers grouped by the segment they were in
then: grouped by today's segment, those who left would stand in the segments of those who left. `contract`: from a
contract's first day to its last, exact.
"""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

import polars as pl

from clientela.retention.calendar import month_end
from clientela.retention.states import GONE
from clientela.retention.survival import contract_durations, lapse_durations, survival_curves

SEGMENTATIONS = ("value_tier", "engagement_tier", "rfm_group", "rule_segment", "micro_segment")
LANDMARK_MONTHS = 12
#: whose durations a curve is drawn of, as the mart's column `population` says
NEW = "buyers first seen after the first days of the data"
LEFT_CENSORED = "buyers there before the data begin"
AT_LANDMARK = "customers neither lapsed nor cancelled on the landmark day"
CONTRACTS = "all contracts"
_TOLD = {
    "basis": pl.String,
    "population": pl.String,
    "segmentation": pl.String,
    "segment": pl.String,
    "landmark_on": pl.Date,
    "days": pl.Int64,
    "customers_at_risk": pl.Int64,
    "customers_lapsed": pl.Int64,
    "customers_censored": pl.Int64,
    "survival": pl.Float64,
    "survival_low": pl.Float64,
    "survival_high": pl.Float64,
}


class Endings(NamedTuple):
    """What curves are drawn from of customers, a row each. lapses: as `survival.lapse_durations` gives them; since_landmark: of
    those who had not gone by the landmark customer_id and left_on, null while they stay."""

    lapses: pl.DataFrame
    since_landmark: pl.DataFrame

    @classmethod
    def of(cls, states: Iterable[pl.DataFrame], landmark_on: date) -> "Endings":
        """states: customer_id, measured_on, state, first_ordered_on, lapsed_on, each customer's in one of the frames."""
        lapses, since = zip(*(_endings(frame, landmark_on) for frame in states), strict=True)
        return cls(pl.concat(lapses), pl.concat(since))


def landmark(as_of_on: date, first_labelled_on: date | None) -> date:
    """The landmark day: so many months ago, or when customers were first labelled, if that was later."""
    return max(month_end(as_of_on, -LANDMARK_MONTHS), first_labelled_on or date.min)


def curves(
    as_of_on: date,
    landmark_on: date,
    endings: Endings,
    customers: pl.DataFrame,
    contracts: pl.DataFrame,
    segments: pl.DataFrame,
) -> pl.DataFrame:
    """Kaplan-Meier curves of all groups; none of a basis in which nothing has ended yet.

    customers: customer_id, acquisition_channel, is_left_censored. contracts: as `states.contract_months` takes them. segments:
    customer_id and SEGMENTATIONS on the landmark day. Gives basis, population, segmentation, segment, landmark_on and the columns
    of `survival.survival_curves`.
    """
    parts = [
        *_by_origin("first lapse", endings.lapses, customers),
        *_by_origin("contract", contract_durations(contracts, as_of_on), customers),
        *_since_landmark(as_of_on, landmark_on, endings.since_landmark, segments),
    ]
    return pl.concat([pl.DataFrame(schema=_TOLD), *parts], how="diagonal").select(*_TOLD)


def _endings(states: pl.DataFrame, landmark_on: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    states = states.rename({"measured_on": "month_end"})
    ordering = states.filter(pl.col("first_ordered_on").is_not_null())
    is_gone = pl.col("state").is_in(GONE)
    there = states.filter((pl.col("month_end") == landmark_on) & ~is_gone).select("customer_id")
    left = (
        states.filter((pl.col("month_end") > landmark_on) & is_gone)
        .group_by("customer_id")
        .agg(pl.col("month_end").min(), pl.col("lapsed_on").sort_by("month_end").first())
        .select("customer_id", left_on=pl.coalesce("lapsed_on", "month_end"))
    )
    return lapse_durations(ordering, ordering), there.join(left, on="customer_id", how="left")


def _by_origin(basis: str, durations: pl.DataFrame, customers: pl.DataFrame) -> list[pl.DataFrame]:
    if not durations["has_ended"].any():
        return []
    rows = durations.join(customers, on="customer_id", how="left")
    # a contract's own first day is known, whenever the data begin
    unknown = pl.col("is_left_censored") if basis == "first lapse" else pl.lit(False)
    new, old = rows.filter(~unknown), rows.filter(unknown)
    new = new.with_columns(cohort=pl.col("started_on").dt.strftime("%Y-%m"))
    population = NEW if basis == "first lapse" else CONTRACTS
    return [
        _curve(new, basis, population, "all"),
        _curve(old, basis, LEFT_CENSORED, "left-censored"),
        _curve(new, basis, population, "cohort", "cohort"),
        _curve(new, basis, population, "acquisition_channel", "acquisition_channel"),
    ]


def _since_landmark(
    as_of_on: date, landmark_on: date, since_landmark: pl.DataFrame, segments: pl.DataFrame
) -> list[pl.DataFrame]:
    durations = since_landmark.select(
        "customer_id",
        duration_days=(pl.col("left_on").fill_null(as_of_on) - landmark_on).dt.total_days(),
        has_ended=pl.col("left_on").is_not_null(),
    )
    if not durations["has_ended"].any():
        return []
    rows = durations.join(segments, on="customer_id", how="left")
    return [
        _curve(
            rows, "since landmark", AT_LANDMARK, segmentation, None if segmentation == "all" else segmentation
        ).with_columns(landmark_on=pl.lit(landmark_on))
        for segmentation in ("all", *SEGMENTATIONS)
    ]


def _curve(rows: pl.DataFrame, basis: str, population: str, segmentation: str, by: str | None = None) -> pl.DataFrame:
    if rows.is_empty():
        return pl.DataFrame(schema=_TOLD)
    curve = survival_curves(rows, by)
    group = pl.col("group") if by else pl.lit(segmentation)
    labels = {"basis": basis, "population": population, "segmentation": segmentation}
    return curve.with_columns(segment=group, **{name: pl.lit(value) for name, value in labels.items()})
