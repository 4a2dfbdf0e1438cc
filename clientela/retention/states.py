"""In which state each customer is at each month-end, by rules a manager can read.

Belongs here: the rules, for every month-end at once. Does not belong here: probabilities
(`clientela.lifetime.churn_probability`), counting customers by state (SQL).

From the first rule that holds:

    cancelled   no contract runs any more, and no purchase has kept them since
    lapsed      silent beyond their rhythm by `lapsed_spreads`, until they order again
    at_risk     ... by `at_risk_spreads`
    slowing     ... by `slowing_spreads`
    new         first order or contract at most `new_days` ago
    returned    not lapsed any more since a month-end at most `returned_days` ago
    active      all others

The rhythm is the one known at the first month-end of the silence: the days after which they will be slowing, at risk and
lapsed do not move while they are silent, whatever others do meanwhile. Whoever has a running contract is at most slowing,
whatever their silence. The state at a month-end follows from the month-ends up to it, beginning with the customer's
first, and from nothing after it.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from clientela.retention.calendar import RetentionError, check_points, require
from clientela.retention.lapse import silence_limits
from clientela.retention.settings import StateSettings

STATES = ("new", "active", "slowing", "at_risk", "lapsed", "returned", "cancelled")
GONE = ("lapsed", "cancelled")
_KEY = ["customer_id", "month_end"]


def states(
    rhythms: pl.DataFrame,
    settings: StateSettings | None = None,
    contracts: pl.DataFrame | None = None,
    new_from: date | None = None,
) -> pl.DataFrame:
    """The state of each customer at each month-end; one row per row of `rhythms` or `contracts`, sorted.

    rhythms: what `rhythm.rhythms` gives, for every month-end from the customers' first. contracts: what
    `contract_months` gives over the same month-ends. new_from: whoever started before this day was there before the data
    begin (left-censored) and is never called new. Gives customer_id, month_end, state (one of STATES),
    lapses_after_days (silence beyond which they are lapsed; null without purchases), lapsed_on (while lapsed or cancelled,
    the day on which the silence passed that, or the day after their last contract where it kept them longer),
    returned_on (latest month-end at which they were found to have returned), cancelled_by (customer, company, other or
    expiry, while cancelled).
    """
    s = settings or StateSettings()
    require(
        rhythms,
        "rhythms",
        *_KEY,
        "first_ordered_on",
        "last_ordered_on",
        "days_since_last_activity",
        "expected_days_between_orders",
    )
    rows = _joined(rhythms, contracts).sort(_KEY)
    who, day, row = pl.col("customer_id"), pl.col("month_end"), pl.int_range(pl.len())
    ordered, ended = pl.col("last_ordered_on"), pl.col("contract_ended_on")
    if rows.select(((who == who.shift(1)) & (day == day.shift(1))).any()).item():
        raise RetentionError("A customer stands more than once at the same month-end.")
    # Rows are sorted: what belongs to one customer, or to one of their silences, is what lies at or below its first row.
    rows = rows.with_columns(
        runs=pl.col("has_contract").fill_null(False), is_first=(who != who.shift(1)).fill_null(True)
    ).with_columns(
        customer_row=pl.when("is_first").then(row).forward_fill(),
        silence_row=pl.when(pl.col("is_first") | ordered.ne_missing(ordered.shift(1))).then(row).forward_fill(),
    )
    limits = {name: limit.gather(pl.col("silence_row")) for name, limit in silence_limits(s).items()}
    rows = rows.with_columns(**limits).with_columns(
        lapses_after_days=pl.when(ordered.is_not_null()).then(pl.col("lapsed_limit").floor().cast(pl.Int64))
    )
    silent = pl.col("days_since_last_activity")
    has_passed = (silent > pl.col("lapses_after_days")).fill_null(False)
    is_unkept = has_passed | ordered.is_null()
    rows = rows.with_columns(
        is_lapsed=has_passed,
        is_cancelled=~pl.col("runs") & is_unkept & (ended.is_not_null() & (ended >= ordered).fill_null(True)),
        lapsed_on=pl.when(has_passed).then(
            pl.max_horizontal(ordered + pl.duration(days=pl.col("lapses_after_days") + 1), ended.dt.offset_by("1d"))
        ),
        started_on=pl.min_horizontal("first_ordered_on", "contract_started_on"),
    ).with_columns(is_gone=pl.col("is_cancelled") | (pl.col("is_lapsed") & ~pl.col("runs")))
    returns = pl.col("is_gone").shift(1) & ~pl.col("is_gone") & ~pl.col("is_first")
    has_returned = pl.when(returns).then(row).forward_fill() >= pl.col("customer_row")
    rows = rows.with_columns(returned_on=pl.when(has_returned).then(pl.when(returns).then(day).forward_fill()))
    at = pl.col("month_end")
    is_seen_to_start = pl.lit(True) if new_from is None else pl.col("started_on") >= new_from
    state = (
        pl.when("is_cancelled")
        .then(pl.lit("cancelled"))
        .when("is_gone")
        .then(pl.lit("lapsed"))
        .when((silent > pl.col("at_risk_limit")) & ~pl.col("runs"))
        .then(pl.lit("at_risk"))
        .when((silent > pl.col("slowing_limit")) | pl.col("is_lapsed"))
        .then(pl.lit("slowing"))
        .when(((at - pl.col("started_on")).dt.total_days() <= s.new_days) & is_seen_to_start)
        .then(pl.lit("new"))
        .when((at - pl.col("returned_on")).dt.total_days() <= s.returned_days)
        .then(pl.lit("returned"))
        .otherwise(pl.lit("active"))
    )
    return rows.with_columns(state=state).select(
        *_KEY,
        "state",
        "lapses_after_days",
        pl.when("is_gone").then("lapsed_on").alias("lapsed_on"),
        "returned_on",
        pl.when(pl.col("state") == "cancelled").then("cancelled_by").alias("cancelled_by"),
    )


def contract_months(contracts: pl.DataFrame, month_ends: Sequence[date]) -> pl.DataFrame:
    """What is known of each customer's contracts at each month-end from the first one's start on.

    contracts: (customer_id, started_on, ends_on, cancelled_on, cancelled_by), one row per contract; a contract runs to
    the end of `ends_on` (to the day before `cancelled_on`, where that is all there is), for ever without either. Gives
    customer_id, month_end, has_contract, contract_started_on (the first one's), contract_ended_on (the last one's, once none
    runs), cancelled_by of that last one: customer, company, other, or expiry where it ended without being cancelled.
    """
    ends = pl.Series("month_end", check_points(month_ends), dtype=pl.Date)
    rows = with_end(contracts)
    rows = (
        rows.with_columns(point=ends.search_sorted(rows["started_on"], side="left").cast(pl.Int32))
        .filter(pl.col("point") < len(ends))
        .with_columns(point=pl.int_ranges("point", len(ends), dtype=pl.Int32))
        .explode("point")
    )
    rows = rows.with_columns(month_end=ends.gather(rows["point"]))
    runs = pl.col("ended_on").is_null() | (pl.col("ended_on") >= pl.col("month_end"))
    last = pl.col("will").sort_by("ended_on", "will").last()
    return (
        rows.with_columns(runs=runs)
        .group_by(_KEY)
        .agg(
            has_contract=pl.col("runs").any(),
            contract_started_on=pl.col("started_on").min(),
            contract_ended_on=pl.col("ended_on").max(),
            cancelled_by=last,
        )
        .with_columns(pl.when(~pl.col("has_contract")).then(pl.col("contract_ended_on", "cancelled_by")))
        .sort(_KEY)
    )


def with_end(contracts: pl.DataFrame) -> pl.DataFrame:
    """Contracts with `ended_on`, their last day, and `will`: who ended them, or expiry."""
    require(contracts, "contracts", "customer_id", "started_on", "ends_on", "cancelled_on", "cancelled_by")
    by = pl.col("cancelled_by").cast(pl.String).fill_null("other")
    return contracts.select(
        "customer_id",
        pl.col("started_on").cast(pl.Date),
        ended_on=pl.coalesce(pl.col("ends_on").cast(pl.Date), pl.col("cancelled_on").cast(pl.Date).dt.offset_by("-1d")),
        will=pl.when(pl.col("cancelled_on").is_not_null()).then(by).otherwise(pl.lit("expiry")),
    )


def _joined(rhythms: pl.DataFrame, contracts: pl.DataFrame | None) -> pl.DataFrame:
    if contracts is None:
        return rhythms.with_columns(
            has_contract=pl.lit(None, pl.Boolean),
            contract_started_on=pl.lit(None, pl.Date),
            contract_ended_on=pl.lit(None, pl.Date),
            cancelled_by=pl.lit(None, pl.String),
        )
    return rhythms.join(contracts, on=_KEY, how="full", coalesce=True)
