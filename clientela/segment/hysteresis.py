"""A customer at a boundary does not flip back and forth.

Belongs here: two ways to hold a segment, for all customers and month-ends at once. Does not belong here: how the value
or the label came about.

`hold_tiers`: at each boundary a Schmitt trigger: above it from the month-end at which the value reaches boundary x (1 +
margin), below it from that at which it falls under boundary x (1 - margin), between them as before. `hold_labels`, for
labels without a scale: a new label is taken once it has stood at so many month-ends running.

Both are functions of a customer's month-ends up to the one in question, from their first on, whichever nights ran; with
margin 0, or 1 month, they give back what came in.
"""

from collections.abc import Sequence

import polars as pl

from clientela.segment.settings import SegmentError

_KEY = ["customer_id", "month_end"]


def hold_tiers(
    rows: pl.DataFrame, value: str, boundaries: Sequence[float | str], margin: float, name: str = "tier"
) -> pl.DataFrame:
    """`rows`, sorted by customer and month-end, with the tier held: 0 below the first boundary, len(boundaries) above
    the last; null until the customer's first value.

    rows: customer_id, month_end, `value`; its gaps keep the tier. boundaries: rising, each a number or the name of a
    column (such as a quantile of that month). At a customer's first value the plain boundaries decide.
    """
    if not 0 <= margin < 1:
        raise SegmentError(f"The margin must be from 0 up to below 1, it is {margin}.")
    ordered = _sorted(rows)
    v, row = pl.col(value), pl.int_range(pl.len())
    seen = pl.when(v.is_not_null()).then(row).forward_fill()
    is_first = v.is_not_null() & ~(seen.shift(1) >= pl.col("_first")).fill_null(False)
    above = []
    for boundary in boundaries:
        b = pl.col(boundary) if isinstance(boundary, str) else pl.lit(float(boundary))
        band = margin * b.abs()
        trigger = (
            pl.when(is_first).then(v >= b).when(v >= b + band).then(pl.lit(True)).when(v < b - band).then(pl.lit(False))
        )
        is_held = pl.when(trigger.is_not_null()).then(row).forward_fill() >= pl.col("_first")
        above.append(pl.when(is_held).then(trigger.forward_fill()).cast(pl.Int64))
    if not above:
        raise SegmentError("Tiers need at least one boundary.")
    limits = ordered.select(
        (pl.col(b) if isinstance(b, str) else pl.lit(float(b), pl.Float64)).alias(str(i))
        for i, b in enumerate(boundaries)
    )
    for i in range(len(boundaries) - 1):
        if limits.select((pl.col(str(i)) > pl.col(str(i + 1))).any()).item():
            raise SegmentError(f"Boundaries must rise; {boundaries[i]} exceeds {boundaries[i + 1]}.")
    return ordered.with_columns(pl.sum_horizontal(above, ignore_nulls=False).alias(name)).drop("_first")


def hold_labels(
    rows: pl.DataFrame, label: str, months: int, name: str | None = None, reason: str | None = None
) -> pl.DataFrame:
    """`rows`, sorted by customer and month-end, with `label` held, in the column `name` (by default in its place).

    rows: customer_id, month_end, `label` (null counts as a label of its own once there was another). A customer's first
    label is taken at once, however many month-ends had none before. reason: a column that the label follows from; its
    value at the last month-end that gave the held label itself is added as `held_<reason>`, so that the two agree.
    """
    if months < 1:
        raise SegmentError(f"A label must stand at one month-end or more, not at {months}.")
    out = name or label
    keep = [*rows.columns, *([out] if out not in rows.columns else []), *([f"held_{reason}"] if reason else [])]
    ordered = _sorted(rows)
    x, row = pl.col(label), pl.int_range(pl.len())
    begins = (pl.col("_first") == row) | x.ne_missing(x.shift(1))
    stood = row - pl.when(begins).then(row).forward_fill() + 1
    last_label = pl.when(x.is_not_null()).then(row).forward_fill()
    has_none_before = ~(last_label.shift(1) >= pl.col("_first")).fill_null(False)
    taken = pl.when(has_none_before | (stood >= months)).then(row).forward_fill()
    held = [x.gather(taken).alias(out)]
    if reason:
        at = pl.when(x.eq_missing(x.gather(taken))).then(row).forward_fill()
        held.append(pl.col(reason).gather(at).alias(f"held_{reason}"))
    return ordered.with_columns(held).select(keep)


def _sorted(rows: pl.DataFrame) -> pl.DataFrame:
    """Sorted, with `_first`: the number of the customer's first row; rows at or above it, up to their last, are theirs."""
    rows = rows.sort(_KEY)
    who, day = pl.col("customer_id"), pl.col("month_end")
    is_new = (who != who.shift(1)).fill_null(True)
    if rows.select((~is_new & (day == day.shift(1))).any()).item():
        raise SegmentError("A customer stands more than once at the same month-end.")
    return rows.with_columns(_first=pl.when(is_new).then(pl.int_range(pl.len())).forward_fill())
