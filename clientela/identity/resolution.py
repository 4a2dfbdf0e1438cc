"""Who is who, as one function over frames, and the pieces that the night calls one by one.

Belongs here: the order of the steps. Does not belong here: any step, or reading and storing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from clientela.identity import registry
from clientela.identity.settings import IdentitySettings

if TYPE_CHECKING:
    from clientela.identity.model import Model
    from clientela.identity.store import Store

ALWAYS, NEVER = "always", "never"
PAIRS_SCHEMA: dict[str, pl.DataType] = {
    "record_id_l": pl.Int64(),
    "record_id_r": pl.Int64(),
    "decision": pl.String(),
}


@dataclass(frozen=True)
class Resolution:
    """What one run found. Frames marked * hold personal values: mask them where they are published.

    To publish:  `crosswalk` (record_id, customer_id), `links` (see `explain`: ids and weights only), `households`
                 (customer_id, household_id, customers) if asked for, `placeholders`* (see `normalise`), `measures`
                 (measure, part, value).
    To remember: `registry_rows`, `events`, `retired` (see `registry`), `model` (names in it are keyed hashes).
    """

    crosswalk: pl.DataFrame
    registry_rows: pl.DataFrame
    retired: pl.DataFrame
    events: pl.DataFrame
    links: pl.DataFrame
    households: pl.DataFrame | None
    placeholders: pl.DataFrame
    measures: pl.DataFrame
    model: Model | None = field(repr=False)


def needs_matching(settings: IdentitySettings, source_count: int) -> bool:
    """Whether records may be matched at all: with one source every record is a customer, unless the company says else."""
    return settings.match in ("always", "exact") or (settings.match == "auto" and source_count > 1)


def resolve(
    records: pl.DataFrame,
    registry_log: pl.DataFrame | None = None,
    settings: IdentitySettings | None = None,
    *,
    model: Model | None = None,
    pairs: pl.DataFrame | None = None,
    key: str = "",
    store: Store | None = None,
) -> Resolution:
    """Say which records are one customer, and under which id.

    `records`: all current records, in any of the columns of `normalise.RECORD_SCHEMA`; only record_id is required.
    `registry_log`: (record_id, customer_id, sequence) as remembered. `model`: the frozen model; trained here if needed
    and not given, and then to be kept. `pairs`: (record_id_l, record_id_r, decision `always` or `never`). `key`: the
    secret under which evidence and names are hashed. `store`: the evidence of the run before, which is brought up to
    date; without it all is computed anew, with the same result.
    """
    from clientela.identity import households, measure, normalise
    from clientela.identity.explain import LINKS_SCHEMA
    from clientela.identity.placeholders import PLACEHOLDER_SCHEMA

    settings = settings or IdentitySettings()
    frame = normalise.complete(records)
    decided = decisions_on(pairs, frame["record_id"])
    log = registry_log if registry_log is not None else pl.DataFrame(schema=registry.LOG_SCHEMA)
    if needs_matching(settings, frame["source"].n_unique()):
        with duckdb.connect(":memory:", config={"threads": settings.threads}) as private:
            held = store or new_store(private)
            held.connection.register("resolved_records", frame.to_arrow())
            model = held.update("resolved_records", decided, settings, model, key)
            held.connection.unregister("resolved_records")
            clusters = held.connection.sql(held.clusters_sql()).pl()
            links = held.connection.sql(held.links_sql()).pl().sort("record_id_l", "record_id_r")
            placeholders = held.placeholders()
            normalised = held.normalised() if settings.find_households else frame.clear()
            oversized = held.count("select count(distinct cluster) from {clusters} where is_oversized")
    else:
        clusters, model, oversized = by_decisions(frame["record_id"], decided), None, 0
        links = pl.DataFrame(schema=LINKS_SCHEMA)
        placeholders, normalised = pl.DataFrame(schema=PLACEHOLDER_SCHEMA), frame.clear()
        if settings.find_households:
            normalised = normalise.normalise(frame, settings).records
    assignment = registry.assign(clusters, log, links=links.filter(pl.col("status") == "linked"))
    return Resolution(
        crosswalk=assignment.crosswalk,
        registry_rows=assignment.added,
        retired=assignment.retired,
        events=assignment.events,
        links=links,
        households=households.households(normalised, assignment.crosswalk) if settings.find_households else None,
        placeholders=placeholders,
        measures=measure.measures(assignment.crosswalk, registry.crosswalk(log), links, None, oversized),
        model=model,
    )


def new_store(connection: duckdb.DuckDBPyConnection, schema: str = "identity") -> Store:
    """An evidence store on the connection, loaded only where there is something to match."""
    from clientela.identity.store import Store

    return Store(connection, schema)


def train_model(records: pl.DataFrame, settings: IdentitySettings | None = None, *, key: str = "") -> Model:
    """Train a model on these records without using it: retraining is a step of its own, shown by `preview` first."""
    from clientela.identity import evidence, normalise
    from clientela.identity.model import train

    settings = settings or IdentitySettings()
    nodes, _ = evidence.nodes_of(normalise.normalise(records, settings).records, key)
    return train(nodes, settings, key)


def decisions_on(pairs: pl.DataFrame | None, record_ids: pl.Series) -> pl.DataFrame:
    """What people decided about pairs of these records, each pair once and in order. Raises ValueError on a third word."""
    if pairs is None or pairs.is_empty():
        return pl.DataFrame(schema=PAIRS_SCHEMA)
    wrong = pairs.filter(~pl.col("decision").is_in([ALWAYS, NEVER]))
    if wrong.height:
        raise ValueError(f"a link decision is `always` or `never`, not {wrong['decision'][0]!r}")
    ids = record_ids.implode()
    return (
        pairs.select(
            pl.min_horizontal("record_id_l", "record_id_r").alias("record_id_l"),
            pl.max_horizontal("record_id_l", "record_id_r").alias("record_id_r"),
            "decision",
        )
        .filter(pl.col("record_id_l").is_in(ids) & pl.col("record_id_r").is_in(ids))
        .filter(pl.col("record_id_l") != pl.col("record_id_r"))
        .unique()
        .sort("record_id_l", "record_id_r", "decision")
    )


def by_decisions(record_ids: pl.Series, decided: pl.DataFrame) -> pl.DataFrame:
    """(record_id, cluster): every record its own customer, but for the pairs that someone decided are one."""
    alone = pl.DataFrame({"record_id": record_ids, "cluster": record_ids})
    if decided.is_empty():
        return alone
    from clientela.identity import cluster

    links = decided.filter(pl.col("decision") == ALWAYS).select(
        pl.col("record_id_l").alias("node_l"),
        pl.col("record_id_r").alias("node_r"),
        pl.col("decision").alias("rule"),
        pl.lit(cluster.ALWAYS_WEIGHT).alias("weight"),
    )
    never = decided.filter(pl.col("decision") == NEVER).select(
        pl.col("record_id_l").alias("node_l"), pl.col("record_id_r").alias("node_r")
    )
    nothing = links.select("node_l", "node_r", pl.lit(None, pl.String).alias("veto")).clear()
    linked = pl.concat([links["node_l"], links["node_r"]]).unique()
    done = cluster.cluster(linked, links, IdentitySettings(), lambda _: nothing, never)
    return alone.join(
        done.clusters.rename({"node": "record_id", "cluster": "joined"}), on="record_id", how="left"
    ).select("record_id", pl.coalesce("joined", "cluster").alias("cluster"))
