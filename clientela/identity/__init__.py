"""Identity: one customer behind many records.

`resolve` is the one public entry: records, what was remembered and the settings go in; who is who, why, and what to
remember come out, all as polars frames. Everything in this package is a pure function. It never sees the warehouse,
never prints, knows no scheduler; the caller stores what is to be stored.

    normalise → evidence → match → cluster → registry → golden, households
    explain, measure and preview read what those gave
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from clientela.identity import cluster as clustering
from clientela.identity import evidence, match, registry
from clientela.identity import golden as survivorship
from clientela.identity import normalise as cleaning
from clientela.identity.explain import link_evidence
from clientela.identity.households import households as find_households
from clientela.identity.measure import measures as take_measures
from clientela.identity.model import Model, train, with_frequencies
from clientela.identity.settings import ExactRule, IdentitySettings

__all__ = ["ExactRule", "IdentitySettings", "Model", "Resolution", "resolve", "train_model"]

PAIRS_SCHEMA: dict[str, pl.DataType] = {
    "record_id_l": pl.Int64(),
    "record_id_r": pl.Int64(),
    "decision": pl.String(),
}


@dataclass(frozen=True)
class Resolution:
    """What one run found. Frames marked * hold personal values: mask them where they are published.

    To publish:  `crosswalk` (record_id, customer_id), `customers`* and `field_values`* (see `golden`), `links` (see
                 `explain`: ids and weights only), `households` (customer_id, household_id) if asked for,
                 `placeholders`* (see `normalise`), `measures` (measure, part, value), `oversized`.
    To remember: `registry_rows`, `events`, `retired` (see `registry`), `model` (names in it are keyed hashes).
    To hand in again, so that a night costs what is new: `new_values`* (append to the cache of values), `pair_cache`
                 (replace the one handed in; hashes and weights only).
    """

    crosswalk: pl.DataFrame
    registry_rows: pl.DataFrame
    retired: pl.DataFrame
    events: pl.DataFrame
    links: pl.DataFrame
    oversized: pl.DataFrame
    customers: pl.DataFrame
    field_values: pl.DataFrame
    households: pl.DataFrame | None
    placeholders: pl.DataFrame
    measures: pl.DataFrame
    model: Model | None
    new_values: pl.DataFrame
    pair_cache: pl.DataFrame
    normalised: pl.DataFrame = field(repr=False)


def resolve(
    records: pl.DataFrame,
    registry_log: pl.DataFrame | None = None,
    settings: IdentitySettings | None = None,
    *,
    model: Model | None = None,
    pairs: pl.DataFrame | None = None,
    value_cache: pl.DataFrame | None = None,
    pair_cache: pl.DataFrame | None = None,
    labels: pl.DataFrame | None = None,
    key: str = "",
    sequence: int | None = None,
    with_golden: bool = True,
) -> Resolution:
    """Say which records are one customer, under which id, and what the customer's values are.

    `records`: all current records, in any of the columns of `normalise.RECORD_SCHEMA`; only record_id is required.
    `registry_log`: (record_id, customer_id, sequence) as remembered. `model`: the frozen model; trained here if needed
    and not given, and then to be kept. `pairs`: (record_id_l, record_id_r, decision `always` or `never`).
    `value_cache`, `pair_cache`: what earlier runs returned. `labels`: (record_id_l, record_id_r, is_match), to measure
    against. `key`: the secret under which evidence and names are hashed. `sequence`: this run's number.
    """
    settings = settings or IdentitySettings()
    frame = cleaning.complete(records)
    decided = _decided(pairs, frame)
    log = registry_log if registry_log is not None else pl.DataFrame(schema=registry.LOG_SCHEMA)
    if settings.match == "never" or (settings.match == "auto" and frame["source"].n_unique() <= 1):
        found = _without_matching(frame, decided, settings)
    else:
        found = _with_matching(frame, decided, settings, model, value_cache, pair_cache, key)

    assignment = registry.assign(
        found.clusters, log, sequence=sequence, links=found.links.filter(pl.col("status") == "linked")
    )
    gold = (
        survivorship.golden(frame, assignment.crosswalk, settings, found.placeholders)
        if with_golden
        else survivorship.golden(frame.clear(), assignment.crosswalk, settings)
    )
    houses = find_households(found.normalised, assignment.crosswalk) if settings.find_households else None
    return Resolution(
        crosswalk=assignment.crosswalk,
        registry_rows=assignment.added,
        retired=assignment.retired,
        events=assignment.events,
        links=found.links,
        oversized=found.oversized.join(
            found.clusters.join(assignment.crosswalk, on="record_id").select("cluster", "customer_id").unique(),
            on="cluster",
        ).select("customer_id", "node_count"),
        customers=gold.customers,
        field_values=gold.field_values,
        households=houses,
        placeholders=found.placeholders,
        measures=take_measures(
            assignment.crosswalk, registry.crosswalk(log), found.links, settings, labels, found.oversized.height
        ),
        model=found.model,
        new_values=found.new_values,
        pair_cache=found.pair_cache,
        normalised=found.normalised,
    )


def train_model(
    records: pl.DataFrame,
    settings: IdentitySettings | None = None,
    *,
    value_cache: pl.DataFrame | None = None,
    key: str = "",
) -> Model:
    """Train a model on these records without using it: retraining is a step of its own, shown by `preview` first."""
    settings = settings or IdentitySettings()
    nodes, _ = evidence.nodes_of(cleaning.normalise(records, settings, value_cache).records, key)
    return train(nodes, settings, key)


@dataclass(frozen=True)
class _Found:
    clusters: pl.DataFrame
    links: pl.DataFrame
    oversized: pl.DataFrame
    placeholders: pl.DataFrame
    model: Model | None
    new_values: pl.DataFrame
    pair_cache: pl.DataFrame
    normalised: pl.DataFrame


def _decided(pairs: pl.DataFrame | None, frame: pl.DataFrame) -> pl.DataFrame:
    if pairs is None or pairs.is_empty():
        return pl.DataFrame(schema=PAIRS_SCHEMA)
    wrong = pairs.filter(~pl.col("decision").is_in([clustering.ALWAYS, clustering.NEVER]))
    if wrong.height:
        raise ValueError(f"a link decision is `always` or `never`, not {wrong['decision'][0]!r}")
    ids = frame["record_id"].implode()
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


def _without_matching(frame: pl.DataFrame, decided: pl.DataFrame, settings: IdentitySettings) -> _Found:
    """Every record its own customer, but for pairs that someone decided: no normalising, no Splink."""
    members = frame.select("record_id", pl.col("record_id").alias("node"))
    always, never = _decisions_on_nodes(decided, members)
    done = clustering.cluster(members["node"], always, settings, _no_vetoes, never)
    return _Found(
        clusters=members.join(done.clusters, on="node").select("record_id", "cluster"),
        links=link_evidence(members, always, done, None, None, settings),
        oversized=done.oversized,
        placeholders=pl.DataFrame(schema=cleaning.PLACEHOLDER_SCHEMA),
        model=None,
        new_values=pl.DataFrame(schema=cleaning.CACHE_SCHEMA),
        pair_cache=pl.DataFrame(),
        normalised=cleaning.normalise(frame, settings).records if settings.find_households else frame,
    )


def _with_matching(
    frame: pl.DataFrame,
    decided: pl.DataFrame,
    settings: IdentitySettings,
    model: Model | None,
    value_cache: pl.DataFrame | None,
    pair_cache: pl.DataFrame | None,
    key: str,
) -> _Found:
    clean = cleaning.normalise(frame, settings, value_cache)
    kept_apart = decided.filter(pl.col("decision") == clustering.NEVER)
    nodes, members = evidence.nodes_of(
        clean.records, key, pl.concat([kept_apart["record_id_l"], kept_apart["record_id_r"]])
    )
    always, never = _decisions_on_nodes(decided, members)
    exact = match.exact_links(nodes, settings.exact_rules)
    scored = None
    links = pl.concat([always, exact])
    if settings.match != "exact" and nodes.height > 1:
        model = model or train(nodes, settings, key)
        scored = match.score(nodes, model, settings, pair_cache, key).pairs
        weighed = match.weigh(scored, model)
        links = match.combine(links, weighed, settings)
        marked, _ = with_frequencies(_of(nodes, links), model, key)
    else:
        weighed = None
        links = match.combine(links, None, settings)
        marked = _of(nodes, links).with_columns(pl.lit(False).alias("is_given_common"))
    are_homes_shared = model is None or model.are_homes_shared

    def find_vetoes(asked: pl.DataFrame) -> pl.DataFrame:
        return match.vetoed(marked, asked, are_homes_shared=are_homes_shared, threads=settings.threads)

    # Only nodes that something links need clustering; the others stay alone.
    linked = pl.concat([links["node_l"], links["node_r"]]).unique()
    done = clustering.cluster(linked, links, settings, find_vetoes, never)
    return _Found(
        clusters=members.join(done.clusters, on="node", how="left").select(
            "record_id", pl.coalesce("cluster", "node").alias("cluster")
        ),
        links=link_evidence(members, links, done, weighed, model, settings),
        oversized=done.oversized,
        placeholders=clean.placeholders,
        model=model,
        new_values=clean.new_cache,
        pair_cache=scored if scored is not None else pl.DataFrame(),
        normalised=clean.records,
    )


def _of(nodes: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    return nodes.filter(pl.col("node").is_in(pl.concat([links["node_l"], links["node_r"]]).unique().implode()))


def _decisions_on_nodes(decided: pl.DataFrame, members: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    on_nodes = (
        decided.join(members.rename({"record_id": "record_id_l", "node": "a"}), on="record_id_l")
        .join(members.rename({"record_id": "record_id_r", "node": "b"}), on="record_id_r")
        .select(
            pl.min_horizontal("a", "b").alias("node_l"),
            pl.max_horizontal("a", "b").alias("node_r"),
            pl.col("decision").alias("rule"),
            pl.lit(clustering.ALWAYS_WEIGHT).alias("weight"),
        )
        .filter(pl.col("node_l") != pl.col("node_r"))
        .unique()
    )
    return (
        on_nodes.filter(pl.col("rule") == clustering.ALWAYS),
        on_nodes.filter(pl.col("rule") == clustering.NEVER).select("node_l", "node_r"),
    )


def _no_vetoes(pairs: pl.DataFrame) -> pl.DataFrame:
    return pairs.select("node_l", "node_r").clear().with_columns(pl.lit(None, pl.String).alias("veto"))
