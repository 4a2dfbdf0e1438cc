"""Each customer's own rhythm: how long they usually stay silent between two purchases, how much that varies.

Belongs here: gaps, their shrinkage to the cohort, days silent measured by them, for customers at all month-ends at
once: for all of them, or for a block of them beside what was counted of all (`count_first_gaps`, `typical_gaps`). Does not
belong here: what a silence means (states.py), models of purchase rates (`clientela.lifetime`).

The rhythm is the mean, the spread the standard deviation, of a customer's own gaps and k typical gaps of their cohort
taken together (k = `cohort_gaps`), so that a one-time buyer has exactly their cohort's: with own gaps g_1..g_n and a
cohort of mean m and mean square q,

    rhythm = (sum g + k m) / (n + k)        spread^2 = (sum g^2 + k q) / (n + k) - rhythm^2

A cohort's gaps are its customers' first gaps, one each: frequent buyers do not outvote the others, and a first gap is
what a one-time buyer is waiting in. They are those that closed within `maturity_days` of customers watched for at least
so long: of the last months only short gaps have closed, and of the first ones the longest go on closing for years; so
every cohort is seen through the same window, and what is known of it stays. It is shrunk to the company in the same way.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from clientela.retention.calendar import RetentionError, check_points, require
from clientela.retention.settings import RhythmSettings

#: what is counted of first gaps, of mature customers and of all that have closed
_COUNTS = [f"{kind}_{part}" for kind in ("mature", "closed") for part in ("n", "sum", "square")]
_LEAST_SPREAD = 0.1  # of the rhythm: a customer of a few equal gaps is not a clock
COLUMNS = (
    "customer_id",
    "month_end",
    "cohort",
    "purchase_days",
    "first_ordered_on",
    "last_ordered_on",
    "days_since_last_activity",
    "own_gap_days",
    "cohort_gap_days",
    "expected_days_between_orders",
    "stddev_days_between_orders",
    "recency_ratio",
    "recency_zscore",
)


def rhythms(
    purchase_days: pl.DataFrame,
    month_ends: Sequence[date],
    cohorts: pl.DataFrame | None = None,
    settings: RhythmSettings | None = None,
    typical: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The rhythm of every customer at every month-end from their first purchase on; one row each, sorted by both.

    purchase_days: (customer_id integer, ordered_on date), repeats allowed, any order. month_ends: see
    `calendar.points`. cohorts: (customer_id, cohort text); by default the calendar quarter of the first purchase. typical:
    what `typical_gaps` says of the whole company, where these are not all of its customers.
    Nothing dated after a month-end moves its rows. Gives COLUMNS: `_days` in days, `recency_ratio` in rhythms,
    `recency_zscore` in spreads beyond the rhythm; rhythm columns are null while too few in the company have
    bought twice (`least_gaps`).
    """
    s = settings or RhythmSettings()
    at = check_points(month_ends)
    require(purchase_days, "purchase_days", "customer_id", "ordered_on")
    ends = pl.Series("month_end", at, dtype=pl.Date)
    days = _with_running_gaps(purchase_days, at[-1])
    days = _with_cohort(days, cohorts)
    own = _at_each_point(days, ends)
    if typical is None:
        typical = typical_gaps(_counted(days, ends, s), at, s)
    n, k = pl.col("own_gaps"), s.cohort_gaps
    mean = (pl.col("sum_gap") + k * pl.col("cohort_gap_days")) / (n + k)
    square = (pl.col("sum_square") + k * pl.col("cohort_square")) / (n + k)
    least = _LEAST_SPREAD * pl.col("expected_days_between_orders")
    return (
        own.join(typical, on=["cohort", "point"], how="left", maintain_order="left")
        .with_columns(
            month_end=ends.gather(own["point"]),
            purchase_days=(n + 1).cast(pl.Int64),
            own_gap_days=pl.when(n > 0).then(pl.col("sum_gap") / n),
            expected_days_between_orders=mean,
        )
        .with_columns(days_since_last_activity=(pl.col("month_end") - pl.col("last_ordered_on")).dt.total_days())
        .with_columns(
            stddev_days_between_orders=pl.max_horizontal(
                (square - pl.col("expected_days_between_orders") ** 2).clip(0).sqrt(), least
            ),
            recency_ratio=pl.col("days_since_last_activity") / pl.col("expected_days_between_orders"),
        )
        .with_columns(
            recency_zscore=(pl.col("days_since_last_activity") - pl.col("expected_days_between_orders"))
            / pl.col("stddev_days_between_orders"),
        )
        .select(COLUMNS)
    )


def count_first_gaps(
    purchase_days: pl.DataFrame,
    month_ends: Sequence[date],
    cohorts: pl.DataFrame | None = None,
    settings: RhythmSettings | None = None,
) -> pl.DataFrame:
    """What `typical_gaps` needs to know of these customers: their first gaps counted, a row per cohort and point at which any
    are added. Rows of customers apart may be put below one another: whole numbers add up to the same in any order."""
    at = check_points(month_ends)
    require(purchase_days, "purchase_days", "customer_id", "ordered_on")
    days = _with_cohort(_with_running_gaps(purchase_days, at[-1]), cohorts)
    return _counted(days, pl.Series("month_end", at, dtype=pl.Date), settings or RhythmSettings())


def _with_running_gaps(purchase_days: pl.DataFrame, until: date) -> pl.DataFrame:
    """One row per customer and purchase day, with what their gaps up to that day add up to."""
    days = purchase_days.select("customer_id", pl.col("ordered_on").cast(pl.Date))
    if days.null_count().sum_horizontal().item():
        raise RetentionError("purchase_days holds rows without a customer or a date.")
    who = pl.col("customer_id")
    days = days.filter(pl.col("ordered_on") <= until).unique().sort("customer_id", "ordered_on")
    is_first = (who != who.shift(1)).fill_null(True)
    return (
        days.with_columns(is_first=is_first)
        .with_columns(
            gap=pl.when(~pl.col("is_first")).then(pl.col("ordered_on").diff().dt.total_days()),
            first_ordered_on=pl.when("is_first").then("ordered_on").forward_fill(),
            row=pl.int_range(pl.len()),
        )
        .with_columns(
            own_gaps=pl.col("row") - pl.when("is_first").then("row").forward_fill(),
            sum_gap=(pl.col("ordered_on") - pl.col("first_ordered_on")).dt.total_days(),
            all_square=(pl.col("gap").fill_null(0) ** 2).cum_sum(),
        )
        .with_columns(sum_square=pl.col("all_square") - pl.when("is_first").then("all_square").forward_fill())
    )


def _with_cohort(days: pl.DataFrame, cohorts: pl.DataFrame | None) -> pl.DataFrame:
    if cohorts is None:
        first = pl.col("first_ordered_on")
        return days.with_columns(cohort=pl.format("{}-Q{}", first.dt.year(), first.dt.quarter()))
    require(cohorts, "cohorts", "customer_id", "cohort")
    if cohorts["customer_id"].is_duplicated().any():
        raise RetentionError("cohorts holds a customer more than once.")
    named = cohorts.select(pl.col("customer_id").cast(days["customer_id"].dtype), pl.col("cohort").cast(pl.String))
    return days.join(named, on="customer_id", how="left", maintain_order="left").with_columns(
        pl.col("cohort").fill_null("unknown")
    )


def _at_each_point(days: pl.DataFrame, ends: pl.Series) -> pl.DataFrame:
    """Each customer's last purchase day before each point, from the first one on; `point` numbers the points."""
    who = pl.col("customer_id")
    found = (
        days.with_columns(point=ends.search_sorted(days["ordered_on"], side="left").cast(pl.Int32))
        .filter(((who != who.shift(-1)) | (pl.col("point") != pl.col("point").shift(-1))).fill_null(True))
        .with_columns(
            until=pl.when(who == who.shift(-1)).then(pl.col("point").shift(-1)).otherwise(len(ends)).cast(pl.Int32)
        )
        .select(
            "customer_id",
            "cohort",
            "first_ordered_on",
            pl.col("ordered_on").alias("last_ordered_on"),
            "own_gaps",
            "sum_gap",
            "sum_square",
            point=pl.int_ranges("point", "until", dtype=pl.Int32),
        )
        .explode("point")
    )
    # polars divides by a column that it holds as one value through the reciprocal, and it holds those of a lone customer so: the
    # last digit would hang on who else is in the frame
    return pl.DataFrame(found.get_columns())


def _counted(days: pl.DataFrame, ends: pl.Series, s: RhythmSettings) -> pl.DataFrame:
    """Per cohort and point: number, sum and sum of squares of first gaps, of mature customers and of all."""
    closed = days.filter(pl.col("own_gaps") == 1)
    seen_by = pl.col("first_ordered_on").dt.offset_by(f"{s.maturity_days}d")
    mature = closed.filter(pl.col("gap") <= s.maturity_days).with_columns(counted_on=seen_by)
    # a cohort in which nobody has bought twice has a row too
    there = days.select(pl.col("cohort").unique(), point=pl.lit(0, pl.Int32))
    counts = (_running(mature, "counted_on", ends, "mature"), _running(closed, "ordered_on", ends, "closed"))
    return _added(pl.concat([there, *counts], how="diagonal").with_columns(pl.col(_COUNTS).fill_null(0)))


def _added(counted: pl.DataFrame) -> pl.DataFrame:
    return counted.group_by("cohort", "point").agg(pl.col(_COUNTS).sum())


def typical_gaps(
    counted: pl.DataFrame, month_ends: Sequence[date], settings: RhythmSettings | None = None
) -> pl.DataFrame:
    """Mean and mean square of first gaps, per cohort and point, shrunk to the company's; counted: rows of `count_first_gaps`."""
    s = settings or RhythmSettings()
    points = pl.DataFrame({"point": pl.int_range(len(check_points(month_ends)), dtype=pl.Int32, eager=True)})
    grid = counted.select(pl.col("cohort").unique()).join(points, how="cross")
    grid = grid.join(_added(counted), on=["cohort", "point"], how="left")
    grid = grid.sort("cohort", "point").with_columns(pl.col(_COUNTS).fill_null(0).cum_sum().over("cohort"))
    company = grid.group_by("point").agg(pl.col(_COUNTS).sum().name.suffix("_all"))
    enough = pl.col("mature_n_all") >= s.least_mature
    grid = grid.join(company, on="point").with_columns(
        pl.when(enough).then(f"mature_{part}{of}").otherwise(f"closed_{part}{of}").alias(f"{part}{of}")
        for part in ("n", "sum", "square")
        for of in ("", "_all")
    )
    m = s.company_gaps

    def shrunk(part: str) -> pl.Expr:
        whole = pl.col(f"{part}_all") / pl.col("n_all")
        value = (pl.col(part) + m * whole) / (pl.col("n") + m) if m else pl.col(part) / pl.col("n")
        return pl.when(pl.col("closed_n_all") >= s.least_gaps).then(
            pl.when(value.is_finite()).then(value).otherwise(whole)
        )

    return grid.select("cohort", "point", cohort_gap_days=shrunk("sum"), cohort_square=shrunk("square"))


def _running(first_gaps: pl.DataFrame, column: str, ends: pl.Series, kind: str) -> pl.DataFrame:
    """Number, sum and sum of squares of first gaps, at the first point on or after the day in `column`."""
    return (
        first_gaps.with_columns(point=ends.search_sorted(first_gaps[column], side="left").cast(pl.Int32))
        .group_by("cohort", "point")
        .agg(
            pl.len().cast(pl.Float64).alias(f"{kind}_n"),
            pl.col("gap").sum().cast(pl.Float64).alias(f"{kind}_sum"),
            (pl.col("gap").cast(pl.Float64) ** 2).sum().alias(f"{kind}_square"),
        )
    )
