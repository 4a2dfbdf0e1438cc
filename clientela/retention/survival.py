"""How long customers stay: Kaplan-Meier curves with intervals, and the durations they are drawn from.

Belongs here: durations until the first lapse or the end of a contract, curves by group. Does not belong here: when a
silence is a lapse (states.py), predictions.

Without a contract a lapse is dated on the day the silence passed its threshold, never on the day of the last order:
dated there, every customer would seem to leave the day he last came. A silence that has not passed it is censored at
the last point. Kaplan & Meier 1958; intervals are Greenwood's on the log(-log) scale, by lifelines.
"""

from datetime import date
from typing import Any

import polars as pl

from clientela.retention.calendar import RetentionError, require
from clientela.retention.states import with_end

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
    """From a customer's first order to his first lapse, or to the last point: customer_id, started_on, ended_on,
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
    """From each contract's first to its last day, exact; the columns of `lapse_durations`, one row per contract.

    contracts: as `states.contract_months` takes them. Contracts that begin after `as_of` are left out, those still
    running on it censored. only_by: count only ends of this will (customer, company, other, expiry); others censor.
    """
    rows = with_end(contracts).filter(pl.col("started_on") <= as_of)
    is_over = (pl.col("ended_on") < as_of).fill_null(False)
    is_counted = is_over if only_by is None else is_over & (pl.col("will") == only_by)
    return _durations(
        rows.select(
            "customer_id",
            "started_on",
            ended_on=pl.when(is_over).then("ended_on").otherwise(pl.lit(as_of)),
            has_ended=is_counted,
        )
    )


def survival_curves(durations: pl.DataFrame, by: str | None = None, confidence: float = 0.95) -> pl.DataFrame:
    """Kaplan-Meier: `group` ('all' without `by`), days, customers at risk just before, lapsed and censored on that day,
    survival (share that stays longer than so many days) with its interval; sorted.

    durations: duration_days, has_ended and, if given, the column `by`, whose nulls are left out.
    """
    from lifelines import KaplanMeierFitter  # two seconds of import, needed nowhere else

    require(durations, "durations", "duration_days", "has_ended", *([by] if by else []))
    if not 0 < confidence < 1:
        raise RetentionError(f"A confidence lies between 0 and 1, not at {confidence}.")
    named = durations.with_columns(group=pl.col(by).cast(pl.String) if by else pl.lit("all")).drop_nulls("group")
    counts = named.group_by("group", "duration_days", "has_ended").agg(n=pl.len()).sort(pl.all())
    curves = [pl.DataFrame(schema={"group": pl.String, **_CURVE})]
    for (group,), part in counts.group_by("group", maintain_order=True):
        fitted = KaplanMeierFitter(alpha=1 - confidence).fit(
            part["duration_days"].to_numpy(), part["has_ended"].to_numpy(), weights=part["n"].to_numpy()
        )
        table, interval = fitted.event_table, fitted.confidence_interval_
        curve = {
            "days": table.index.to_numpy(),
            "customers_at_risk": table["at_risk"].to_numpy(),
            "customers_lapsed": table["observed"].to_numpy(),
            "customers_censored": table["censored"].to_numpy(),
            "survival": fitted.survival_function_.iloc[:, 0].to_numpy(),
            "survival_low": interval.iloc[:, 0].to_numpy(),
            "survival_high": interval.iloc[:, 1].to_numpy(),
        }
        named_curve = pl.DataFrame({"group": [str(group)] * len(table), **curve})
        curves.append(named_curve.cast(_CURVE))
    return pl.concat(curves)


def _durations(rows: pl.DataFrame) -> pl.DataFrame:
    return (
        rows.with_columns(duration_days=(pl.col("ended_on") - pl.col("started_on")).dt.total_days())
        .select("customer_id", "started_on", "ended_on", "duration_days", "has_ended")
        .sort("customer_id", "started_on", "ended_on")
    )
