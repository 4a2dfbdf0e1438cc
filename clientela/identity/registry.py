"""Stable customer ids: which id each group of records bears, in this run and for ever.

Belongs here: handing out `customer_id`, deciding which id survives a merge and which part keeps it in a split, and the
events that say so. Does not belong here: deciding which records belong together (`cluster`), or storing anything; the
caller keeps the returned rows, append-only, in memory.

The memory is a log, one row per change: (`record_id`, `customer_id`, `sequence`), where `sequence` grows with each run.
The current crosswalk is the latest row of each record. The earlier rows are what lets a merge be undone: a part that
leaves gets back the id it had before it came.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

ANONYMOUS_CUSTOMER_ID = 0

LOG_SCHEMA: dict[str, type[pl.DataType]] = {"record_id": pl.Int64, "customer_id": pl.Int64, "sequence": pl.Int64}
EVENT_SCHEMA: dict[str, type[pl.DataType]] = {
    "event": pl.String,
    "customer_id": pl.Int64,
    "other_customer_id": pl.Int64,
    "record_count": pl.Int64,
    "cause": pl.String,
    "sequence": pl.Int64,
}


@dataclass(frozen=True)
class Assignment:
    """What one run decided.

    `crosswalk`  (record_id, customer_id): every record of this run.
    `added`      (record_id, customer_id, sequence): the rows to append to the registry; only records that are new or
                 changed their customer, so a rerun adds nothing.
    `retired`    (customer_id, surviving_customer_id): ids that this run merged into an older one.
    `events`     (event, customer_id, other_customer_id, record_count, cause, sequence): `created`, `merged` (other was
                 retired into customer), `split` (other left customer, with a new id or the one it had before) and
                 `moved` (records went from other to customer, and both live on).
    """

    crosswalk: pl.DataFrame
    added: pl.DataFrame
    retired: pl.DataFrame
    events: pl.DataFrame


def assign(
    records: pl.DataFrame,
    registry: pl.DataFrame,
    *,
    sequence: int | None = None,
    links: pl.DataFrame | None = None,
    highest_id: int = 0,
) -> Assignment:
    """Give every group of records its customer id.

    `records`: (record_id bigint, cluster bigint), the grouping wanted now, labels of any kind.
    `registry`: the log as remembered, (record_id, customer_id, sequence); without `sequence` it is read as one run, and
    merges made before it cannot be undone. `sequence`: this run's number, by default one above the highest remembered.
    `links`: optional evidence (record_id_l, record_id_r, rule), used only to name the cause of a merge. `highest_id`:
    the greatest id ever handed out, where `registry` is not the whole log.

    The result depends on the grouping and the registry, not on labels or row order. Rules: the id of a customer who
    stays never changes; in a merge the smaller id survives; in a split the old id stays with the part that holds most
    of the records that were born under it (then: longest under it, most records, smallest record id), and another part
    gets back the id it had before it was merged in, or else a new one.
    """
    log = _log(registry)
    wanted = _wanted(records)
    number = sequence if sequence is not None else (_highest(log, "sequence") + 1)
    held = wanted.join(_latest(log), on="record_id", how="left")

    shares = held.drop_nulls("held").select("cluster", "held").unique()
    is_settled = pl.col("cluster").is_unique() & pl.col("held").is_unique()
    parts = (
        held.join(shares.filter(~is_settled), on=["cluster", "held"], how="semi")
        .group_by("cluster", "held")
        .agg(
            pl.col("is_native").sum().alias("native"),
            pl.col("since").min(),
            pl.len().alias("size"),
            pl.col("record_id").min().alias("first"),
        )
        .join(held.group_by("cluster").agg(pl.len().alias("cluster_size")), on="cluster")
        .sort(
            ["held", "native", "since", "size", "cluster_size", "first"],
            descending=[False, True, False, True, False, False],
        )
        .select("cluster", pl.col("held").alias("customer_id"))
    )
    settled = shares.filter(is_settled).select("cluster", pl.col("held").alias("customer_id"))
    kept = pl.concat([settled, _match(parts)])
    restored = _match(_claims(held, log, kept))
    fresh = _fresh(held, pl.concat([kept, restored]), max(_highest(log, "customer_id"), highest_id))
    ids = pl.concat([kept, restored, fresh])

    new = held.join(ids, on="cluster").select("record_id", "held", "customer_id")
    added = (
        new.filter(pl.col("held").is_null() | (pl.col("held") != pl.col("customer_id")))
        .select("record_id", "customer_id", pl.lit(number, pl.Int64).alias("sequence"))
        .sort("record_id")
    )
    retired = _retired(new, parts, ids)
    return Assignment(
        crosswalk=new.select("record_id", "customer_id").sort("record_id"),
        added=added,
        retired=retired,
        events=_events(new, kept, restored, retired, links, number),
    )


def crosswalk(registry: pl.DataFrame, as_of_sequence: int | None = None) -> pl.DataFrame:
    """The current assignment, (record_id, customer_id): the latest row of each record up to `as_of_sequence`."""
    log = _log(registry)
    if as_of_sequence is not None:
        log = log.filter(pl.col("sequence") <= as_of_sequence)
    return _latest(log).select("record_id", pl.col("held").alias("customer_id")).sort("record_id")


def _log(registry: pl.DataFrame) -> pl.DataFrame:
    if registry.width == 0:
        return pl.DataFrame(schema=LOG_SCHEMA)
    if "sequence" not in registry.columns:
        registry = registry.with_columns(pl.lit(0, pl.Int64).alias("sequence"))
    log = registry.select(pl.col(name).cast(kind) for name, kind in LOG_SCHEMA.items())
    if log.select(pl.any_horizontal(pl.all().is_null().any())).item():
        raise ValueError("the identity registry holds a null: every row needs record_id, customer_id and sequence")
    if log.filter(pl.col("customer_id") <= ANONYMOUS_CUSTOMER_ID).height:
        raise ValueError("the identity registry holds a customer_id below 1: 0 is reserved for anonymous sales")
    if log["record_id"].n_unique() < log.height and log.select("record_id", "sequence").is_duplicated().any():
        raise ValueError("the identity registry gives a record two customers in the same run (record_id, sequence)")
    return log


def _wanted(records: pl.DataFrame) -> pl.DataFrame:
    wanted = records.select(pl.col("record_id").cast(pl.Int64), "cluster")
    if wanted.null_count().sum_horizontal().sum():
        raise ValueError("every record needs a record_id and a cluster: a null was given")
    if wanted["record_id"].is_duplicated().any():
        twice = wanted.filter(pl.col("record_id").is_duplicated())["record_id"].min()
        raise ValueError(f"record_id {twice!r} was given twice: each record belongs to exactly one cluster")
    return wanted


def _highest(log: pl.DataFrame, column: str) -> int:
    highest = log[column].max()
    return int(highest) if isinstance(highest, int) else 0


def _latest(log: pl.DataFrame) -> pl.DataFrame:
    """Per record: the customer held, since which run, and whether the record was born under it.

    A merge always goes to a smaller id, so a record that ever bore a larger id than it does now came by a merge.
    """
    if log["record_id"].n_unique() == log.height:
        return log.select(
            "record_id",
            pl.col("customer_id").alias("held"),
            pl.col("sequence").alias("since"),
            pl.lit(True).alias("is_native"),
        )
    return (
        log.sort("record_id", "sequence")
        .group_by("record_id", maintain_order=True)
        .agg(
            pl.col("customer_id").last().alias("held"),
            pl.col("sequence").last().alias("since"),
            (pl.col("customer_id").max() == pl.col("customer_id").last()).alias("is_native"),
        )
    )


def _match(offers: pl.DataFrame) -> pl.DataFrame:
    """Match ids to clusters: (cluster, customer_id), each at most once.

    `offers` lists (cluster, customer_id), the clusters of each id in the order in which the id prefers them. Each id
    asks its clusters in turn; a cluster keeps the smallest id that asks (Gale and Shapley 1962, ids proposing), so the
    outcome is the same whatever the order of asking.
    """
    offers = offers.with_columns(pl.int_range(pl.len()).over("customer_id").alias("turn"))
    asking = offers.filter(pl.col("turn") == 0)
    while asking.height:
        best = asking.group_by("cluster").agg(pl.col("customer_id").min())
        kept = asking.join(best, on=["cluster", "customer_id"], how="semi")
        refused = asking.join(best, on=["cluster", "customer_id"], how="anti")
        if not refused.height:
            break
        following = refused.select("customer_id", pl.col("turn") + 1).join(offers, on=["customer_id", "turn"])
        asking = pl.concat([kept, following.select(kept.columns)])
    return asking.select("cluster", "customer_id")


def _claims(held: pl.DataFrame, log: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """What clusters that kept no id may ask back: ids their records bore before they were merged, and nobody bears now.

    An id was a record's own before a merge if every later one is smaller. Only the records that left it last
    can ask it back: who had left before the merge has no claim.
    """
    homeless = held.drop_nulls("held").join(kept, on="cluster", how="anti")
    if homeless.is_empty():
        return kept.clear()
    rows = log.sort(["record_id", "sequence"], descending=[False, True]).with_columns(
        pl.col("customer_id").cum_max().shift(1).over("record_id").alias("later"),
        pl.col("sequence").shift(1).over("record_id").alias("left_in"),
    )
    here = held.drop_nulls("held").select("record_id", "cluster")
    former = (
        rows.join(here, on="record_id")
        .drop_nulls("left_in")
        .join(kept, on="customer_id", how="anti")
        .filter(pl.col("left_in") == pl.col("left_in").max().over("customer_id"))
        .filter(pl.col("customer_id") > pl.col("later"))
    )
    return (
        former.join(homeless.select("cluster").unique(), on="cluster", how="semi")
        .group_by("cluster", "customer_id")
        .agg(pl.len().alias("size"), pl.col("record_id").min().alias("first"))
        .sort(["customer_id", "size", "first"], descending=[False, True, False])
        .select("cluster", "customer_id")
    )


def _fresh(held: pl.DataFrame, taken: pl.DataFrame, highest: int) -> pl.DataFrame:
    return (
        held.join(taken, on="cluster", how="anti")
        .group_by("cluster")
        .agg(pl.col("record_id").min().alias("first"))
        .sort("first")
        .select("cluster", (pl.int_range(pl.len(), dtype=pl.Int64) + highest + 1).alias("customer_id"))
    )


def _retired(new: pl.DataFrame, parts: pl.DataFrame, ids: pl.DataFrame) -> pl.DataFrame:
    heirs = parts.unique("customer_id", keep="first", maintain_order=True)
    return (
        heirs.join(ids.rename({"customer_id": "surviving_customer_id"}), on="cluster")
        .join(new.select("customer_id").unique(), on="customer_id", how="anti")
        .select("customer_id", "surviving_customer_id")
        .sort("customer_id")
    )


def _events(
    new: pl.DataFrame,
    kept: pl.DataFrame,
    restored: pl.DataFrame,
    retired: pl.DataFrame,
    links: pl.DataFrame | None,
    number: int,
) -> pl.DataFrame:
    is_kept = pl.col("customer_id").is_in(kept["customer_id"].implode())
    is_restored = pl.col("customer_id").is_in(restored["customer_id"].implode())
    born = (
        new.filter(pl.col("held").is_null())
        .group_by("customer_id")
        .agg(pl.len().cast(pl.Int64).alias("record_count"))
        .join(new.drop_nulls("held").select("customer_id"), on="customer_id", how="anti")
        .select(
            pl.lit("created").alias("event"),
            "customer_id",
            pl.lit(None, pl.Int64).alias("other_customer_id"),
            "record_count",
            pl.lit("new records").alias("cause"),
        )
    )
    flows = (
        new.drop_nulls("held")
        .filter(pl.col("held") != pl.col("customer_id"))
        .group_by("held", "customer_id")
        .agg(pl.len().cast(pl.Int64).alias("record_count"))
        .join(
            retired.select(
                pl.col("customer_id").alias("held"),
                pl.col("surviving_customer_id").alias("customer_id"),
                pl.lit(True).alias("is_merge"),
            ),
            on=["held", "customer_id"],
            how="left",
        )
        .with_columns(pl.col("is_merge").fill_null(False), is_kept.alias("is_kept"), is_restored.alias("is_restored"))
        .join(_crossing_rules(new, links), on=["held", "customer_id"], how="left")
    )
    joined_by = pl.when(pl.col("rule").is_null()).then(pl.lit("")).otherwise(pl.lit(" by ") + pl.col("rule"))
    is_split = ~pl.col("is_kept")
    changed = flows.select(
        pl.when("is_merge")
        .then(pl.lit("merged"))
        .when(is_split)
        .then(pl.lit("split"))
        .otherwise(pl.lit("moved"))
        .alias("event"),
        pl.when(is_split & ~pl.col("is_merge")).then("held").otherwise("customer_id").alias("customer_id"),
        pl.when(is_split & ~pl.col("is_merge")).then("customer_id").otherwise("held").alias("other_customer_id"),
        "record_count",
        pl.when("is_merge")
        .then(pl.lit("records of both were linked") + joined_by)
        .when(is_split & pl.col("is_restored"))
        .then(pl.lit("what linked them is gone; the earlier merge was undone"))
        .when(is_split)
        .then(pl.lit("what linked them is gone"))
        .otherwise(pl.lit("records left one customer and were linked to another") + joined_by)
        .alias("cause"),
    )
    return (
        pl.concat([born, changed])
        .with_columns(pl.lit(number, pl.Int64).alias("sequence"))
        .select(pl.col(name).cast(kind) for name, kind in EVENT_SCHEMA.items())
        .sort("event", "customer_id", "other_customer_id")
    )


def _crossing_rules(new: pl.DataFrame, links: pl.DataFrame | None) -> pl.DataFrame:
    """The rules of the links that run between records of two former customers: (held, customer_id, rule)."""
    empty = pl.DataFrame(schema={"held": pl.Int64, "customer_id": pl.Int64, "rule": pl.String})
    if links is None or links.is_empty():
        return empty
    moved = new.drop_nulls("held").filter(pl.col("held") != pl.col("customer_id"))
    if moved.is_empty():
        return empty
    sides = pl.concat(
        [
            links.select(pl.col(here).alias("record_id"), pl.col(there).alias("other"), "rule")
            for here, there in (("record_id_l", "record_id_r"), ("record_id_r", "record_id_l"))
        ]
    )
    return (
        sides.join(moved, on="record_id")
        .join(new.select(pl.col("record_id").alias("other"), pl.col("held").alias("other_held")), on="other")
        .filter(pl.col("other_held").is_null() | (pl.col("other_held") != pl.col("held")))
        .group_by("held", "customer_id")
        .agg(pl.col("rule").unique().sort().str.join(", ").alias("rule"))
    )
