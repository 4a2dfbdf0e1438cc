"""What a changed rule, threshold or model would do, before anyone accepts it.

Belongs here: comparing two groupings of the same records. Does not belong here: running them, or accepting one.
"""

from __future__ import annotations

import polars as pl

DIFF_SCHEMA: dict[str, pl.DataType] = {
    "change": pl.String(),
    "customer_id": pl.Int64(),
    "part_count": pl.Int64(),
    "record_count": pl.Int64(),
    "moved_record_count": pl.Int64(),
    "value": pl.Float64(),
    "moved_value": pl.Float64(),
    "record_ids": pl.List(pl.Int64),
}


def diff(before: pl.DataFrame, after: pl.DataFrame, values: pl.DataFrame | None = None) -> pl.DataFrame:
    """What becomes one and what comes apart from `before` to `after`, both (record_id, customer_id).

    One row per group that changes, in `DIFF_SCHEMA`. `merge`: customers of `before` that `after` makes one, named by
    the smallest of them; `split`: a customer of `before` that `after` divides. `moved_…` counts what is not in the
    largest part. Only the grouping counts, not the numbers. `values`: (record_id, value), summed where given. Records
    that only one side knows are left out.
    """
    both = before.select("record_id", pl.col("customer_id").alias("before")).join(
        after.select("record_id", pl.col("customer_id").alias("after")), on="record_id"
    )
    worth = pl.col("value").fill_null(0.0) if values is not None else pl.lit(0.0)
    if values is not None:
        both = both.join(values.select("record_id", pl.col("value").cast(pl.Float64)), on="record_id", how="left")
    both = both.with_columns(worth.alias("value"))
    merges = _changed(both, whole="after", part="before", change="merge")
    splits = _changed(both, whole="before", part="after", change="split")
    return pl.concat([pl.DataFrame(schema=DIFF_SCHEMA), merges, splits]).sort("change", "customer_id")


def _changed(both: pl.DataFrame, whole: str, part: str, change: str) -> pl.DataFrame:
    return (
        both.group_by(whole, part)
        .agg(
            pl.len().cast(pl.Int64).alias("size"),
            pl.col("value").sum(),
            pl.col("record_id").sort().alias("records"),
        )
        .filter(pl.len().over(whole) > 1)
        .sort([whole, "size", pl.col("records").list.first()], descending=[False, True, False])
        .group_by(whole, maintain_order=True)
        .agg(
            pl.col("before").min().cast(pl.Int64).alias("customer_id")
            if part == "before"
            else pl.lit(None, pl.Int64).alias("customer_id"),
            pl.len().cast(pl.Int64).alias("part_count"),
            pl.col("size").sum().alias("record_count"),
            (pl.col("size").sum() - pl.col("size").first()).alias("moved_record_count"),
            pl.col("value").sum().alias("worth"),
            (pl.col("value").sum() - pl.col("value").first()).alias("moved_value"),
            pl.col("records").explode().sort().alias("record_ids"),
        )
        .select(
            pl.lit(change).alias("change"),
            pl.col("customer_id" if part == "before" else whole).cast(pl.Int64).alias("customer_id"),
            "part_count",
            "record_count",
            "moved_record_count",
            pl.col("worth").alias("value"),
            "moved_value",
            "record_ids",
        )
    )
