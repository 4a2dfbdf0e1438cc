"""How long customers stay: Kaplan-Meier curves with intervals, and the durations they are drawn from.

Belongs here: durations until the first lapse or the end of a contract, curves by group. Does not belong here: when a
silence is a lapse (states.py), predictions.

Without a contract a lapse is dated on the day the silence passed its threshold, never on the day of the last order:
dated there, every customer would seem to leave the day they last came. A silence that has not passed it is censored at
the last point. Kaplan & Meier 1958; the variance is Greenwood's, the interval on
the log(-log) scale (Kalbfleisch & Prentice 2002, section 1.4), so that it stays between 0 and 1.
A contract that came into sight late is at risk from then on only (left truncation; Kaplan-Meier with delayed entry, the same
section): lifetime.contract_history says since when its source tells of ends. One that another renews has not ended.
"""

from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtri

from clientela.lifetime.contract_history import known_contracts
from clientela.retention.calendar import RetentionError, require
from clientela.retention.states import with_end

Floats = NDArray[np.float64]
_CURVE: Any = {
    "days": pl.Int64,
    "customers_at_risk": pl.Int64,
    "customers_lapsed": pl.Int64,
    "customers_censored": pl.Int64,
    "survival": pl.Float64,
    "survival_low": pl.Float64,
    "survival_high": pl.Float64,
}


def lapse_durations(rhythms: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """From a customer's first order to their first lapse, or to the last point: customer_id, started_on, ended_on,
    duration_days, has_ended.

    rhythms, states: of the same month-ends, what `rhythm.rhythms` and `states.states` give. Lapses are those seen at a
    point: a silence that passed its threshold and was broken within one month is none.
    """
    starts = rhythms.group_by("customer_id").agg(
        started_on=pl.col("first_ordered_on").min(), last_point=pl.col("month_end").max()
    )
    ends = states.group_by("customer_id").agg(lapsed_on=pl.col("lapsed_on").min())
    return _durations(
        starts.join(ends, on="customer_id", how="left").select(
            "customer_id",
            "started_on",
            ended_on=pl.coalesce("lapsed_on", "last_point"),
            has_ended=pl.col("lapsed_on").is_not_null(),
        )
    )


def contract_durations(contracts: pl.DataFrame, as_of: date, only_by: str | None = None) -> pl.DataFrame:
    """From each contract's first to its last day, exact; the columns of `lapse_durations`, one row per contract, and
    entered_days: how long it had run when it came into sight.

    contracts: as `states.contract_months` and lifetime.contract_history take them; one that renews another is counted from
    the first day of the first. Contracts that begin after `as_of` are left out, those still
    running on it censored. only_by: count only ends of this will (customer, company, other, expiry); others censor.
    """
    known = known_contracts(contracts.with_columns(period_months=pl.lit(1, pl.Int64)), as_of, 0)
    rows = known.with_columns(with_end(known).select("ended_on", "will"))
    is_over = (pl.col("ended_on") < as_of).fill_null(False)
    is_counted = is_over & pl.col("renewed_on").is_null()
    if only_by is not None:
        is_counted &= pl.col("will") == only_by
    seen_on = pl.max_horizontal("started_on", pl.col("observed_from").dt.offset_by("-1d"))
    return _durations(
        rows.select(
            "customer_id",
            pl.col("first_started_on").alias("started_on"),
            ended_on=pl.when(is_over).then("ended_on").otherwise(pl.lit(as_of)),
            has_ended=is_counted,
            entered_days=(seen_on - pl.col("first_started_on")).dt.total_days(),
        )
    )


def survival_curves(durations: pl.DataFrame, by: str | None = None, confidence: float = 0.95) -> pl.DataFrame:
    """Kaplan-Meier: `group` ('all' without `by`), days, customers at risk just before, lapsed and censored on that day,
    survival (share that stays longer than so many days) with its interval; sorted.

    durations: duration_days, has_ended and, if given, the column `by`, whose nulls are left out. Where there are
    `entered_days`, a row is at risk after that day only.
    """
    require(durations, "durations", "duration_days", "has_ended", *([by] if by else []))
    if not 0 < confidence < 1:
        raise RetentionError(f"A confidence lies between 0 and 1, not at {confidence}.")
    named = durations.with_columns(group=pl.col(by).cast(pl.String) if by else pl.lit("all")).drop_nulls("group")
    counts = named.group_by("group", days=pl.col("duration_days").cast(pl.Int64)).agg(
        customers_lapsed=pl.col("has_ended").sum(), customers_censored=(~pl.col("has_ended")).sum()
    )
    # a curve starts on day 0, whether or not somebody leaves on it
    start = (
        counts.select("group")
        .unique()
        .with_columns(days=pl.lit(0, pl.Int64), customers_lapsed=pl.lit(0), customers_censored=pl.lit(0))
    )
    daily = (
        pl.concat([counts, start], how="vertical_relaxed")
        .group_by("group", "days")
        .agg(pl.col("customers_lapsed", "customers_censored").sum())
        .sort("group", "days")
    )
    empty = pl.DataFrame(schema={"group": pl.String, **_CURVE})
    late = named.filter(pl.col("entered_days") > 0) if "entered_days" in named.columns else named.head(0)
    entries = _entries(late)
    return pl.concat(
        [empty]
        + [
            _curve(part, entries.get(part["group"][0]), confidence)
            for part in daily.partition_by("group", maintain_order=True)
        ]
    )


def _entries(late: pl.DataFrame) -> dict[str, Floats]:
    """Of each group the days of those who came into sight late, sorted."""
    return {
        str(part["group"][0]): part["entered_days"].sort().to_numpy().astype(float)
        for part in late.partition_by("group", maintain_order=True)
    }


def _curve(daily: pl.DataFrame, entries: Floats | None, confidence: float) -> pl.DataFrame:
    """One group's curve. daily: group, days, customers_lapsed, customers_censored; one row per day, sorted, day 0 first.
    entries: days on which those who came into sight late did, sorted."""
    lapsed = daily["customers_lapsed"].to_numpy().astype(float)
    leaving = lapsed + daily["customers_censored"].to_numpy()
    at_risk = leaving[::-1].cumsum()[::-1]
    if entries is not None:
        # who enters on a day is at risk after it
        at_risk = at_risk - (len(entries) - np.searchsorted(entries, daily["days"].to_numpy(), side="left"))
    survival = np.cumprod(1 - np.divide(lapsed, at_risk, out=np.zeros_like(lapsed), where=at_risk > 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.cumsum(lapsed / (at_risk * (at_risk - lapsed)))
        width = ndtri(0.5 + confidence / 2) * np.sqrt(variance) / np.abs(np.log(survival))
        low, high = survival ** np.exp(width), survival ** np.exp(-width)
    is_inside = (survival > 0) & (survival < 1)  # at 1 and at 0 there is nothing to spread
    return daily.with_columns(
        customers_at_risk=at_risk,
        survival=survival,
        survival_low=np.where(is_inside, low, survival),
        survival_high=np.where(is_inside, high, survival),
    ).select("group", *(pl.col(name).cast(kind) for name, kind in _CURVE.items()))


def _durations(rows: pl.DataFrame) -> pl.DataFrame:
    return (
        rows.with_columns(duration_days=(pl.col("ended_on") - pl.col("started_on")).dt.total_days())
        .with_columns(
            pl.col("duration_days").clip(0, None),
            entered_days=pl.col("entered_days") if "entered_days" in rows.columns else pl.lit(0, pl.Int64),
        )
        .select("customer_id", "started_on", "ended_on", "duration_days", "has_ended", "entered_days")
        .sort("customer_id", "started_on", "ended_on")
    )
