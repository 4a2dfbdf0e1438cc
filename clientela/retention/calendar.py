"""The fixed points at which everything is judged: calendar month-ends, and at most one as-of day after them.

Belongs here: making and checking such points. Does not belong here: what is judged at them.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

import polars as pl


class RetentionError(ValueError):
    """Input that no sensible figure can be computed from; the message is one plain sentence."""


def month_end(day: date, months: int = 0) -> date:
    """The last day of the month that lies `months` after that of `day` (before it, if negative)."""
    count = day.year * 12 + day.month + months
    return date(count // 12, count % 12 + 1, 1) - timedelta(days=1)


def points(first: date, as_of: date) -> list[date]:
    """Every month-end from the month of `first` to `as_of`, then `as_of` itself where it is not a month-end."""
    out: list[date] = []
    at = month_end(first)
    while at <= as_of:
        out.append(at)
        at = month_end(at, 1)
    return out if out and out[-1] == as_of else [*out, as_of]


def check_points(at: Sequence[date]) -> list[date]:
    """The points as given; refuses any that are not consecutive month-ends, save the last, which may be a later day."""
    days = list(at)
    if not days:
        raise RetentionError("There is no month-end to judge at.")
    whole = days[:-1] if len(days) > 1 and days[-1] != month_end(days[-1]) else days
    for one, following in pairwise(whole):
        if following != month_end(one, 1):
            raise RetentionError(f"Month-ends must follow one another; after {one} came {following}.")
    if len(days) > 1 and (whole[0] != month_end(whole[0]) or not days[-2] < days[-1] <= month_end(days[-2], 1)):
        raise RetentionError(
            f"All points but the last must be month-ends, in order; {days[-2]} and {days[-1]} are not."
        )
    return days


def end_of_period(day: pl.Expr, months: int) -> pl.Expr:
    """The day on which a period of `months` after `day` is over; a month-end leads to a month-end."""
    moved = day.dt.offset_by(f"{months}mo")
    return pl.when(day == day.dt.month_end()).then(moved.dt.month_end()).otherwise(moved)


def require(frame: pl.DataFrame, what: str, *columns: str) -> None:
    """Refuse a frame that lacks one of the columns."""
    if missing := [name for name in columns if name not in frame.columns]:
        raise RetentionError(f"{what} lacks the column {', '.join(missing)}; it has {', '.join(frame.columns)}.")
