"""Which pairs of nodes link as one person: those of an exact rule, and those that weigh enough.

Belongs here: the decision that a pair links. Does not belong here: the exact rules (`exact_rules`), what a pair weighs
(`pair_weights`), what forbids it (`vetoes`), and what the links together make of their nodes (`cluster`).

Every decision about a pair depends on the two nodes, the model and the settings; which pairs are looked at depends on
all nodes of the run, never on the order in which they came.
"""

from __future__ import annotations

import polars as pl

from clientela.identity.settings import IdentitySettings

LEAST_BESIDE_NAME = 2.0
"""A name alone never links, however rare: some other field must speak for it with at least this much."""
LINK_SCHEMA: dict[str, pl.DataType] = {
    "node_l": pl.Int64(),
    "node_r": pl.Int64(),
    "rule": pl.String(),
    "weight": pl.Float64(),
}


def combine(links: pl.DataFrame, weighed: pl.DataFrame | None, settings: IdentitySettings) -> pl.DataFrame:
    """One link per pair (node_l, node_r, rule, weight): the exact rules' links and the weighed pairs that are enough.

    Where both hold, the rule names the link and the weight adds to the rule's, so that the surer of two goes first.
    """
    columns = list(LINK_SCHEMA)
    links = (
        links.select(columns)
        .sort("node_l", "node_r", "weight", "rule", descending=[False, False, True, False])
        .unique(["node_l", "node_r"], keep="first", maintain_order=True)
    )
    if weighed is None:
        return links
    supported = links.join(
        weighed.select("node_l", "node_r", pl.col("weight").alias("more")), on=["node_l", "node_r"], how="left"
    ).with_columns((pl.col("weight") + pl.col("more").fill_null(0.0)).alias("weight"))
    enough = (
        (pl.col("weight") >= settings.link_weight)
        & (pl.col("personal_weight") >= settings.evidence_weight)
        & (pl.col("weight_beside_name") >= LEAST_BESIDE_NAME)
    )
    alone = (
        weighed.filter(enough)
        .join(links, on=["node_l", "node_r"], how="anti")
        .with_columns(pl.lit("weighed").alias("rule"))
    )
    return pl.concat([supported.select(columns), alone.select(columns)]).sort("node_l", "node_r")
