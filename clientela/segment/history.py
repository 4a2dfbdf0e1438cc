"""The history of any segmentation: intervals per customer, and who moved from where to where.

Belongs here: month-end labels to intervals and back, flows between two month-ends. Does not belong here: how a label
came about, sizes and portraits of segments (SQL).

An interval runs from the first month-end at which a label stood, `valid_from`, to the first at which it no longer did,
`valid_to`, that one excluded; null while it stands at the last month-end of the data.
"""

from datetime import date

import polars as pl

from clientela.segment.settings import SegmentError

_KEY = ["customer_id", "segmentation", "month_end"]


def intervals(labels: pl.DataFrame) -> pl.DataFrame:
    """One row per customer, segmentation and unbroken stay: customer_id, segmentation, segment, valid_from, valid_to,
    month_ends (how many the stay has); sorted.

    labels: customer_id, segmentation, month_end, segment; one row each, rows with a null segment are no stay.
    Month-ends of the data are those that occur in `labels` for anyone; a customer missing at one of them is in no
    segment then.
    """
    if missing := [c for c in (*_KEY, "segment") if c not in labels.columns]:
        raise SegmentError(f"labels lacks the column {', '.join(missing)}.")
    labels = labels.sort(_KEY)
    if labels.select(pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in _KEY).any()).item():
        raise SegmentError("A customer stands more than once in a segmentation at the same month-end.")
    ends = labels.select(pl.col("month_end").unique().sort()).with_columns(point=pl.int_range(pl.len(), dtype=pl.Int64))
    following = ends.select(pl.col("point") - 1, valid_to="month_end")
    rows = labels.drop_nulls("segment").join(ends, on="month_end", maintain_order="left")
    same = pl.all_horizontal(
        *(pl.col(name) == pl.col(name).shift(1) for name in ("customer_id", "segmentation", "segment")),
        pl.col("point") == pl.col("point").shift(1) + 1,
    )
    begins = rows.select((~same).fill_null(True)).to_series()
    firsts, lasts = rows.filter(begins), rows.filter(begins.shift(-1, fill_value=True))
    return (
        firsts.select(
            "customer_id",
            "segmentation",
            "segment",
            valid_from="month_end",
            month_ends=lasts["point"] - firsts["point"] + 1,
        )
        .with_columns(lasts["point"])
        .join(following, on="point", how="left", maintain_order="left")
        .select("customer_id", "segmentation", "segment", "valid_from", "valid_to", "month_ends")
    )


def segment_at(history: pl.DataFrame, month_end: date) -> pl.DataFrame:
    """The labels that `intervals` says stood at a month-end: customer_id, segmentation, segment; sorted."""
    stands = (pl.col("valid_from") <= month_end) & (pl.col("valid_to").is_null() | (pl.col("valid_to") > month_end))
    return history.filter(stands).select("customer_id", "segmentation", "segment").sort("customer_id", "segmentation")


def flows(history: pl.DataFrame, from_month_end: date, to_month_end: date) -> pl.DataFrame:
    """Customers by where they were and where they are: segmentation, from_month_end, to_month_end, from_segment,
    to_segment, customers; sorted.

    A null from_segment: not in the segmentation then; a null to_segment: not any more. Over from_segment the customers
    add up to the segment's at the second month-end, over to_segment to its size at the first.
    """
    if from_month_end >= to_month_end:
        raise SegmentError(f"Flows run forward in time, not from {from_month_end} to {to_month_end}.")
    key = ["customer_id", "segmentation"]
    return (
        segment_at(history, from_month_end)
        .rename({"segment": "from_segment"})
        .join(segment_at(history, to_month_end).rename({"segment": "to_segment"}), on=key, how="full", coalesce=True)
        .group_by("segmentation", "from_segment", "to_segment")
        .agg(customers=pl.len().cast(pl.Int64))
        .select(
            "segmentation",
            pl.lit(from_month_end).alias("from_month_end"),
            pl.lit(to_month_end).alias("to_month_end"),
            "from_segment",
            "to_segment",
            "customers",
        )
        .sort("segmentation", "from_segment", "to_segment", nulls_last=True)
    )
