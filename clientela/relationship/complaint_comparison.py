"""Whether customers stay whose complaint was resolved within its target, beside those whose was resolved later or not yet.

Belongs here: the comparison by landmark. Does not belong here: which complaint of a customer counts, and who stayed, which
`int_complaints_followed` tells.

All are asked on the same day after their complaint whether it had been resolved in time, and watched from then on: whoever left
before is in neither group by virtue of having stayed (Anderson, Cain & Gelber 1983). They are matched on how often they had
bought before. It remains an association: a complaint that is hard to resolve may be one that drives customers away.
"""

import polars as pl

from clientela.relationship.campaign_comparisons import KEY, MATCHED, MEASURES, compare_campaigns

ALL = "all"


def compare_complaints(followed: pl.DataFrame) -> pl.DataFrame:
    """One row per group of orders before, and one for all, matched; empty where there are no complaints.

    followed: one row per customer: orders_before_group, is_within_target, is_retained.
    Gives orders_before_group; customers_within, customers_later, retained_within, retained_later; difference, its 90 % interval
    (low, high); null where one side has fewer than two customers, or too few of all find others who bought as often.
    """
    groups = pl.concat(
        [followed.with_columns(segment=pl.lit(ALL)), followed.with_columns(segment="orders_before_group")]
    )
    within, retained = pl.col("is_within_target"), pl.col("is_retained")
    counted = groups.group_by("segment").agg(
        customers_within=within.sum().cast(pl.Int64),
        customers_later=within.not_().sum().cast(pl.Int64),
        retained_within=(within & retained).sum().cast(pl.Int64),
        retained_later=(within.not_() & retained).sum().cast(pl.Int64),
    )
    arms = groups.group_by("segment", "orders_before_group", "is_within_target").agg(
        customers=pl.len().cast(pl.Int64), buyers=retained.sum().cast(pl.Int64)
    )
    differences = compare_campaigns(
        arms.select(
            pl.lit(0, pl.Int64).alias("campaign_id"),
            pl.lit("orders_before").alias("segmentation"),
            "segment",
            pl.col("orders_before_group").alias("stratum"),
            pl.col("is_within_target").alias("is_chosen"),
            pl.lit(value=False).alias("is_randomised"),
            "customers",
            "buyers",
            pl.lit(0, pl.Int64).alias("buyers_before"),
            pl.col("buyers").alias("buyer_share_sum"),
            pl.col("buyers").alias("buyer_share_squares"),
            *(
                pl.lit(None, pl.Float64).alias(f"{measure}_{part}")
                for measure in MEASURES[1:]
                for part in ("sum", "squares")
            ),
        )
    ).filter(pl.col("comparison") == MATCHED)
    return (
        counted.join(differences.drop([name for name in KEY if name != "segment"]), on="segment", how="left")
        .select(
            pl.col("segment").alias("orders_before_group"),
            "customers_within",
            "customers_later",
            "retained_within",
            "retained_later",
            pl.col("buyer_share_difference").alias("difference"),
            pl.col("buyer_share_low").alias("low"),
            pl.col("buyer_share_high").alias("high"),
        )
        .sort("orders_before_group")
    )
