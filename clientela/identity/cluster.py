"""What links make of their nodes: connected components, guarded.

Belongs here: components, and where to cut one that cannot be true: held by one weak bridge, grown beyond plausibility,
or holding two nodes that cannot be one person. Does not belong here: deciding about a pair (`match`), ids (`registry`).

Cutting is a function of the links and vetoes alone, so it comes out the same in whatever order records arrived.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from clientela.identity.exact_rules import EXACT_WEIGHT
from clientela.identity.settings import IdentitySettings

ALWAYS = "always"
NEVER = "never"
ALWAYS_WEIGHT = 2 * EXACT_WEIGHT

CUT_SCHEMA: dict[str, pl.DataType] = {
    "node_l": pl.Int64(),
    "node_r": pl.Int64(),
    "rule": pl.String(),
    "weight": pl.Float64(),
    "reason": pl.String(),
}


@dataclass(frozen=True)
class Clusters:
    """`clusters`: (node, cluster), the label being the smallest node. `cuts`: links that were not followed and why.
    `oversized`: (cluster, node_count) of those that exact rules hold together beyond plausibility; kept, but counted."""

    clusters: pl.DataFrame
    cuts: pl.DataFrame
    oversized: pl.DataFrame


def components(nodes: pl.Series, links: pl.DataFrame) -> pl.DataFrame:
    """(node, cluster) for every node; `links` needs node_l and node_r, all among `nodes`."""
    ordered = nodes.unique().sort()
    values = ordered.to_numpy()
    left = np.searchsorted(values, links["node_l"].to_numpy())
    right = np.searchsorted(values, links["node_r"].to_numpy())
    ones = np.ones(len(left), dtype=np.int8)
    graph = coo_array((ones, (left, right)), shape=(len(values), len(values)))
    _, labels = connected_components(graph, directed=False)
    return pl.DataFrame({"node": ordered, "label": labels}).select(
        "node", pl.col("node").min().over("label").alias("cluster")
    )


def cluster(
    nodes: pl.Series,
    links: pl.DataFrame,
    settings: IdentitySettings,
    find_vetoes: Callable[[pl.DataFrame], pl.DataFrame],
    never: pl.DataFrame | None = None,
) -> Clusters:
    """Cluster `nodes` by `links` (node_l, node_r, rule, weight; one row a pair).

    `find_vetoes` is given pairs (node_l, node_r) and returns those that cannot be one person, with `veto`; `never`
    lists pairs (node_l, node_r) that must not end in one cluster, whatever links them.
    """
    never = never.select("node_l", "node_r") if never is not None else links.select("node_l", "node_r").clear()
    vetoes = find_vetoes(links.filter(pl.col("rule") != ALWAYS))
    forbidden = pl.concat(
        [vetoes.select("node_l", "node_r", "veto"), never.with_columns(pl.lit("a never-link pair").alias("veto"))]
    ).unique(["node_l", "node_r"], keep="last", maintain_order=True)
    checked = links.join(forbidden, on=["node_l", "node_r"], how="left")
    cuts = [checked.drop_nulls("veto").rename({"veto": "reason"}).select(*CUT_SCHEMA)]
    kept = checked.filter(pl.col("veto").is_null()).select(links.columns)

    bridges = _weak_bridges(nodes, kept, settings)
    cuts.append(bridges.with_columns(pl.lit("one weak bridge between two groups").alias("reason")).select(*CUT_SCHEMA))
    kept = kept.join(bridges, on=["node_l", "node_r"], how="anti")

    kept, trimmed = _without_implausible_growth(nodes, kept, settings)
    cuts.append(trimmed)

    found = components(nodes, kept)
    doubtful, pairs = _doubtful(found, kept, settings, find_vetoes, never)
    if doubtful.height:
        refused = _refused(kept, doubtful, pairs)
        cuts.append(refused)
        kept = kept.join(refused, on=["node_l", "node_r"], how="anti")
        found = components(nodes, kept)
    sizes = found.group_by("cluster").agg(pl.len().cast(pl.Int64).alias("node_count"))
    return Clusters(
        clusters=found,
        cuts=pl.concat(cuts).sort("node_l", "node_r"),
        oversized=sizes.filter(pl.col("node_count") > settings.max_cluster_size).sort("cluster"),
    )


def _weak_bridges(nodes: pl.Series, links: pl.DataFrame, settings: IdentitySettings) -> pl.DataFrame:
    """Weak links that alone join two groups of two or more nodes which stronger links hold together."""
    is_weak = pl.col("weight") < settings.weak_weight
    strong = components(nodes, links.filter(~is_weak)).with_columns(pl.len().over("cluster").alias("size"))
    return (
        links.filter(is_weak)
        .join(strong.rename({"node": "node_l", "cluster": "side_l", "size": "size_l"}), on="node_l")
        .join(strong.rename({"node": "node_r", "cluster": "side_r", "size": "size_r"}), on="node_r")
        .filter((pl.col("side_l") != pl.col("side_r")) & (pl.col("size_l") > 1) & (pl.col("size_r") > 1))
        .with_columns(
            pl.min_horizontal("side_l", "side_r").alias("low"), pl.max_horizontal("side_l", "side_r").alias("high")
        )
        .filter(pl.len().over("low", "high") == 1)
        .select(links.columns)
    )


def _without_implausible_growth(
    nodes: pl.Series, links: pl.DataFrame, settings: IdentitySettings
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """In a cluster that is too large, drop its weak links; if that is not enough, all but exact rules."""
    cuts: list[pl.DataFrame] = [pl.DataFrame(schema=CUT_SCHEMA)]
    for floor in (settings.weak_weight, 2 * settings.weak_weight, EXACT_WEIGHT / 2):
        sizes = components(nodes, links).with_columns(pl.len().over("cluster").alias("size"))
        large = sizes.filter(pl.col("size") > settings.max_cluster_size)
        if large.is_empty():
            break
        is_cut = pl.col("node_l").is_in(large["node"].implode()) & (pl.col("weight") < floor)
        cuts.append(
            links.filter(is_cut).with_columns(pl.lit("the customer grew implausibly large").alias("reason")).select(
                *CUT_SCHEMA
            )
        )  # fmt: skip
        links = links.filter(~is_cut)
    return links, pl.concat(cuts)


def _doubtful(
    found: pl.DataFrame,
    links: pl.DataFrame,
    settings: IdentitySettings,
    find_vetoes: Callable[[pl.DataFrame], pl.DataFrame],
    never: pl.DataFrame,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(node, cluster) of the clusters that hold forbidden pairs, and those pairs."""
    sized = found.with_columns(pl.len().over("cluster").alias("size"))
    small = sized.filter(pl.col("size").is_between(3, settings.max_cluster_size)).select("node", "cluster")
    inside = (
        small.join(small, on="cluster", suffix="_r")
        .filter(pl.col("node") < pl.col("node_r"))
        .select(pl.col("node").alias("node_l"), "node_r")
        .join(links.filter(pl.col("rule") == ALWAYS), on=["node_l", "node_r"], how="anti")
    )
    together = (
        never.join(found.rename({"node": "node_l", "cluster": "here"}), on="node_l")
        .join(found.rename({"node": "node_r", "cluster": "there"}), on="node_r")
        .filter(pl.col("here") == pl.col("there"))
        .select("node_l", "node_r")
    )
    pairs = pl.concat(
        [
            find_vetoes(inside).select("node_l", "node_r", "veto"),
            together.with_columns(pl.lit("a never-link pair").alias("veto")),
        ]
    ).unique(["node_l", "node_r"], keep="last", maintain_order=True)
    touched = pairs.join(found, left_on="node_l", right_on="node").select("cluster").unique()
    return found.join(touched, on="cluster", how="semi"), pairs


def _refused(links: pl.DataFrame, doubtful: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Build the doubtful clusters anew, strongest link first; a link that would join a forbidden pair is refused.

    Kruskal's algorithm with constraints. Clusters are few and small here, so plain Python is quick enough.
    """
    apart: dict[int, dict[int, str]] = defaultdict(dict)
    for left, right, veto in pairs.select("node_l", "node_r", "veto").iter_rows():
        apart[left][right] = veto
        apart[right][left] = veto
    group = {node: node for node in doubtful["node"].to_list()}
    held = {node: {node} for node in group}
    ordered = (
        links.join(doubtful.select("node"), left_on="node_l", right_on="node", how="semi")
        .with_columns((pl.col("rule") == ALWAYS).alias("is_always"))
        .sort(["weight", "node_l", "node_r"], descending=[True, False, False])
    )
    refused: list[tuple[int, int, str, float, str]] = []
    for left, right, rule, weight in ordered.select("node_l", "node_r", "rule", "weight").iter_rows():
        here, there = group[left], group[right]
        if here == there:
            continue
        if len(held[here]) > len(held[there]):
            here, there = there, here
        against = ((node, other) for node in sorted(held[here]) for other in sorted(apart[node]))
        veto = next((apart[node][other] for node, other in against if other in held[there]), None)
        if veto is not None and rule == ALWAYS and veto != "a never-link pair":
            veto = None
        if veto is not None:
            refused.append((left, right, rule, weight, f"it would join {veto}"))
            continue
        held[there] |= held[here]
        for node in held.pop(here):
            group[node] = there
    # A link inside what became two groups is cut as well, though it was never asked.
    inside = {(left, right) for left, right, *_ in refused}
    for left, right, rule, weight in ordered.select("node_l", "node_r", "rule", "weight").iter_rows():
        if group[left] != group[right] and (left, right) not in inside:
            refused.append((left, right, rule, weight, "its two sides cannot be one person"))
    return pl.DataFrame(refused, schema=CUT_SCHEMA, orient="row")
