"""How the matching did: sizes, changes, which rules linked, which links are weak, and how right it was.

Belongs here: figures about a run. Does not belong here: deciding which of them stop a publication.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from clientela.identity.tables import WEIGHED_FIELDS

MEASURES_SCHEMA: dict[str, pl.DataType] = {"measure": pl.String(), "part": pl.String(), "value": pl.Float64()}
SIZES = ((1, 1), (2, 2), (3, 5), (6, 10), (11, None))


@dataclass(frozen=True)
class Identical:
    """Pairs of records that say exactly the same, where they are not among the links: the doubtful ones, and those of whom
    nothing but name and home or phone is known."""

    doubtful: int = 0
    by_home_alone: int = 0


def measures(
    crosswalk: pl.DataFrame,
    previous: pl.DataFrame,
    links: pl.DataFrame,
    labels: pl.DataFrame | None = None,
    oversized_count: int = 0,
    identical: Identical = Identical(),
) -> pl.DataFrame:
    """(measure, part, value). Shares are between 0 and 1; counts are counts.

    `previous`: the crosswalk before this run; `labels`: (record_id_l, record_id_r, is_match), if there are any.
    """
    rows: list[tuple[str, str | None, float]] = []
    sizes = crosswalk.group_by("customer_id").len()["len"]
    rows += [("records", None, crosswalk.height), ("customers", None, sizes.len())]
    rows.append(("largest_customer_records", None, float(str(sizes.max() or 0))))
    rows.append(("oversized_customers", None, oversized_count))
    for low, high in SIZES:
        within = int(((sizes >= low) & (sizes <= (high or 2**31))).sum())
        part = f"{low}" if low == high else f"{low}-{high}" if high else f"{low} and more"
        rows.append(("customers_by_record_count", part, within))

    both = crosswalk.join(previous, on="record_id", suffix="_before")
    changed = both.filter(pl.col("customer_id") != pl.col("customer_id_before")).height
    rows.append(("records_changed_customer", None, changed))
    rows.append(("share_records_changed_customer", None, changed / both.height if both.height else 0.0))

    linked = links.filter(pl.col("status") == "linked")
    for rule, count in linked.group_by("rule").len().sort("rule").iter_rows():
        rows.append(("links_by_rule", rule, count))
        rows.append(("share_links_by_rule", rule, count / linked.height))
    for reason, count in links.filter(pl.col("status") == "cut").group_by("reason").len().sort("reason").iter_rows():
        rows.append(("links_cut", reason, count))
    weak = linked.filter("is_weak")
    rows.append(("weak_links", None, weak.height))
    rows.append(("share_weak_links", None, weak.height / linked.height if linked.height else 0.0))
    for pattern, count in _patterns(weak):
        rows.append(("weak_links_resting_on", pattern, count))
    rows.append(("doubtful_links", None, linked.filter("is_doubtful").height + identical.doubtful))
    rows.append(("links_by_home_alone", None, linked.filter("is_by_home_alone").height + identical.by_home_alone))
    if labels is not None and labels.height:
        rows += [(name, None, value) for name, value in against_labels(crosswalk, labels).items()]
    return pl.DataFrame(
        [(name, part, float(value)) for name, part, value in rows], schema=MEASURES_SCHEMA, orient="row"
    )


def _patterns(weak: pl.DataFrame, most: int = 10) -> list[tuple[str, int]]:
    """The fields that speak for the weak links, the most common combinations first."""
    if weak.is_empty():
        return []
    speaks = [pl.when(pl.col(f"{field}_weight") > 0).then(pl.lit(field)) for field in WEIGHED_FIELDS]
    pattern = pl.concat_list(speaks).list.drop_nulls().list.join(" + ")
    counted = weak.group_by(pattern.alias("pattern")).len().sort(["len", "pattern"], descending=[True, False])
    return counted.head(most).rows()


def against_labels(crosswalk: pl.DataFrame, labels: pl.DataFrame) -> dict[str, float]:
    """Precision, recall and F1 on labelled pairs (record_id_l, record_id_r, is_match) whose records are known."""
    asked = (
        labels.join(crosswalk.rename({"record_id": "record_id_l", "customer_id": "here"}), on="record_id_l")
        .join(crosswalk.rename({"record_id": "record_id_r", "customer_id": "there"}), on="record_id_r")
        .with_columns((pl.col("here") == pl.col("there")).alias("is_found"))
    )
    right = asked.filter(pl.col("is_found") & pl.col("is_match")).height
    return {
        "labelled_pairs": asked.height,
        **_rates(right, asked.filter("is_found").height, asked.filter("is_match").height),
    }


def against_truth(crosswalk: pl.DataFrame, truth: pl.DataFrame) -> dict[str, float]:
    """Pairwise precision, recall and F1 over all pairs of records, `truth` being (record_id, entity).

    Counted from group sizes, so that no pair is ever built.
    """
    joined = crosswalk.select("record_id", "customer_id").join(truth.select("record_id", "entity"), on="record_id")
    return _rates(
        _pairs(joined, "customer_id", "entity"), _pairs(joined, "customer_id"), _pairs(joined, "entity")
    )  # fmt: skip


def _pairs(frame: pl.DataFrame, *by: str) -> int:
    sizes = frame.group_by(by).len()["len"].cast(pl.Int64)
    return int((sizes * (sizes - 1) // 2).sum())


def _rates(right: int, found: int, wanted: int) -> dict[str, float]:
    precision = right / found if found else 1.0
    recall = right / wanted if wanted else 1.0
    both = precision + recall
    return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / both if both else 0.0}
