"""Contracts as they were known on a day: how many renewals each has seen, how it stands, and since when its source tells of ends.

What belongs here: dates to whole renewals, payments ahead, left truncation. What does not: any model, what a payment is worth.

Contracts: one row each with `customer_id`, `started_on`, `ends_on` (last day), `cancelled_on` (dates, null where not so) and
`period_months`. What may stand beside them: `term_months` (what is agreed at a time, if longer than what one payment covers),
`product` (text), `source`, `first_started_on` (of the first of the contracts that this one renews), `renewed_on` (first day of
the one that renews it), `paused_on` and `resumed_on`.

Renewals fall due every `period_months` after the start, on the same day of the month (or the last of a shorter one). A
contract is over the day after its last day; one of which only the cancellation is known, on the day of that.
"""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from clientela.lifetime.arrays import Floats, Integers

MONTH_DAYS = 30.4375
_OPTIONAL: dict[str, Any] = {
    "term_months": pl.Int64,
    "product": pl.String,
    "source": pl.String,
    "first_started_on": pl.Date,
    "renewed_on": pl.Date,
    "paused_on": pl.Date,
    "resumed_on": pl.Date,
}
#: what models are shown of a contract, beside `recurring_amount` and `contribution`
COLUMNS = ("customer_id", "started_on", "ends_on", "cancelled_on", "period_months", *_OPTIONAL)
#: that all ends fall after a day by chance alone is believed down to this probability
_LEAST_CHANCE = 0.01
#: ends that lie within so many days are those of one month: a file that says who left in its last month
_ONE_MONTH_DAYS = 28


def complete(contracts: pl.DataFrame) -> pl.DataFrame:
    """The contracts with all columns that may be missing; a period or term that nobody stated is one month, or the period."""
    missing = [pl.lit(None, kind).alias(name) for name, kind in _OPTIONAL.items() if name not in contracts.columns]
    return (
        contracts.with_columns(missing)
        .with_columns(
            pl.col("period_months").fill_null(1).clip(1, None).cast(pl.Int64),
            pl.col("source", "product").fill_null(""),
            first_started_on=pl.min_horizontal(pl.coalesce("first_started_on", "started_on"), "started_on"),
        )
        .with_columns(term_months=pl.max_horizontal(pl.coalesce("term_months", "period_months"), "period_months"))
    )


def known_contracts(contracts: pl.DataFrame, as_of: date, horizon_days: float) -> pl.DataFrame:
    """The contracts that had started by as_of, with what was known of them then. Adds:

    over_on (first day on which it does not run, as far as known; null: no end known), is_over, is_leaving (cancelled, and
    running until its last day), age (renewals it has seen through; of one that was not renewed, that renewal), has_failed (it
    was not renewed), entered (renewals before it came into sight: of those nothing is to be learnt), payments (renewals that
    fall due within the horizon, and before the known end), skipped (the first so many of them fall into a pause),
    late_notices (of contracts that were not renewed, the share of which so near to the renewal nothing was known yet).
    """
    today, until = pl.lit(as_of), pl.lit(as_of + timedelta(days=int(horizon_days)))
    is_cancelled = (pl.col("cancelled_on") <= today).fill_null(False)
    # an end that goes with a cancellation to come is not known yet
    ends_on = pl.when(is_cancelled | pl.col("cancelled_on").is_null()).then("ends_on")
    over_on = pl.coalesce(ends_on.dt.offset_by("1d"), pl.when(is_cancelled).then("cancelled_on"))
    known = (
        complete(contracts)
        .filter(pl.col("started_on") <= today)
        .with_columns(
            over_on=over_on,
            renewed_on=pl.when(pl.col("renewed_on") <= today).then("renewed_on"),
            paused_on=pl.when(pl.col("paused_on") <= today).then("paused_on"),
            is_over=(over_on <= today).fill_null(False),
            is_cancelled=is_cancelled,
        )
        .with_columns(
            is_leaving=pl.col("is_cancelled") & ~pl.col("is_over"),
            has_failed=pl.col("is_over") & pl.col("renewed_on").is_null(),
        )
    )
    every = pl.col("period_months")
    lasted = (pl.col("over_on") - pl.col("started_on")).dt.total_days() / (every * MONTH_DAYS)
    before = full_months("first_started_on", pl.col("started_on")) // every
    running = full_months("started_on", today) // every
    end = pl.min_horizontal(until, pl.col("over_on").dt.offset_by("-1d"))
    is_paused = pl.col("paused_on").is_not_null() & (pl.col("resumed_on").is_null() | (pl.col("resumed_on") > today))
    known = known.with_columns(
        before=before,
        passed=running,
        payments=pl.when(~pl.col("is_over")).then(full_months("started_on", end) // every - running).clip(0, None),
    ).with_columns(
        pl.col("payments").fill_null(0),
        age=before + pl.when("is_over").then(lasted.round().clip(1.0, None)).otherwise(pl.col("passed")),
    )
    resumes = pl.col("resumed_on").dt.offset_by("-1d")
    known = known.with_columns(
        skipped=pl.when(~is_paused)
        .then(0)
        .otherwise(
            pl.min_horizontal(
                pl.col("payments"), (full_months("started_on", resumes) // every - running).fill_null(10_000)
            )
        )
        .clip(0, None)
    )
    seen = known.join(observed_from(known, as_of), on="source", how="left")
    alive_then = full_months("started_on", pl.col("observed_from").dt.offset_by("-1d")) // every
    seen = _with_late_notices(seen, as_of)
    return seen.with_columns(
        entered=(
            pl.col("before")
            + pl.when(pl.col("observed_from") > pl.col("started_on")).then(alive_then).otherwise(0).fill_null(0)
        ).clip(0, None)
    ).with_columns(
        pl.col("age").cast(pl.Float64),
        entered=pl.min_horizontal(
            pl.col("entered").cast(pl.Float64),
            pl.col("age").cast(pl.Float64) - pl.col("has_failed").cast(pl.Float64),
        ),
    )


def given_no_notice(survival: Floats, late_notices: Floats) -> Floats:
    """Survival over the renewals ahead, shape (…, renewals), given that no notice came until now: by Bayes's rule on the first.

    Where notice is given long before, who has not given it when the renewal is near will nearly surely stay.
    """
    if not survival.shape[-1]:
        return survival
    first = survival[..., :1]
    return np.asarray(survival / (first + (1 - first) * np.expand_dims(late_notices, -1)))


def _with_late_notices(known: pl.DataFrame, as_of: date) -> pl.DataFrame:
    next_due = due_days(
        known.get_column("started_on"),
        ((known.get_column("passed") + 1) * known.get_column("period_months")).to_numpy(),
        as_of,
    )
    late = np.ones(known.height)
    notice = known.select(
        pl.when(pl.col("has_failed"))
        .then((pl.col("over_on") - pl.coalesce("cancelled_on", "over_on")).dt.total_days().clip(0, None))
        .cast(pl.Float64)
    ).to_series()
    for _, rows in known.with_row_index("row").group_by("period_months", "term_months"):
        at = rows.get_column("row").to_numpy()
        given = notice[at].drop_nulls().sort().to_numpy()
        if len(given):
            late[at] = np.searchsorted(given, next_due[at], side="left") / len(given)
    return known.with_columns(late_notices=pl.Series(late))


def observed_from(known: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Since when each source tells of contracts that are over: source, observed_from (null: since always).

    Some sources hold all contracts that ever were, others those that ran when the data begin, and those that came after: what
    had ended before was left behind, and whoever is there has lived until then by selection. The first is believed unless
    it is too unlikely: had a contract the same chance of ending on each of its days, that all the others ended after the
    first one that did would have the probability (share of their days that lie after it) ^ (their number). Where
    all ends lie within one month, the source tells who left in that month, which is then what is observed.
    """
    today = pl.lit(as_of)
    ends = (
        known.filter("is_over")
        .group_by("source")
        .agg(first=pl.col("over_on").min(), last=pl.col("over_on").max(), ends=pl.len())
        .with_columns(
            first=pl.when((pl.col("last") - pl.col("first")).dt.total_days() < _ONE_MONTH_DAYS)
            .then(pl.min_horizontal("first", pl.col("last").dt.offset_by("-1mo").dt.offset_by("1d")))
            .otherwise("first")
        )
    )
    until = pl.min_horizontal(pl.coalesce("over_on", today), today)
    days = known.join(ends, on="source", how="inner").with_columns(
        all_days=(until - pl.col("started_on")).dt.total_days().clip(0, None),
        days_after=(until - pl.max_horizontal("first", "started_on")).dt.total_days().clip(0, None),
    )
    chance = pl.when(pl.col("all_days") > 0).then(
        (pl.col("ends") - 1) * (pl.col("days_after").clip(1, None) / pl.col("all_days")).log()
    )
    return (
        days.group_by("source")
        .agg(pl.col("all_days", "days_after").sum(), pl.col("first", "ends").first())
        .select("source", observed_from=pl.when(chance < float(np.log(_LEAST_CHANCE))).then("first"))
        .sort("source")
    )


def full_months(start: str, day: pl.Expr) -> pl.Expr:
    """Whole months from the column `start` to the day; the 31st is reached on the last day of a shorter month."""
    first = pl.col(start)
    months = (day.dt.year() - first.dt.year()) * 12 + day.dt.month().cast(pl.Int32) - first.dt.month().cast(pl.Int32)
    reached = day.dt.day() >= pl.min_horizontal(first.dt.day(), day.dt.month_end().dt.day())
    return (months - (~reached).cast(pl.Int32)).cast(pl.Int64)


def due_days(started_on: pl.Series, months: Integers, as_of: date) -> Floats:
    """Days from as_of to the day so many months after each start; shape (n,)."""
    start = started_on.to_numpy().astype("datetime64[D]")
    month = start.astype("datetime64[M]")
    day = (start - month.astype("datetime64[D]")).astype(np.int64)
    due = month + months.astype("timedelta64[M]")
    first = due.astype("datetime64[D]")
    length = ((due + 1).astype("datetime64[D]") - first).astype(np.int64)
    found = first + np.minimum(day, length - 1).astype("timedelta64[D]")
    return np.asarray((found - np.datetime64(as_of)).astype(np.float64))
