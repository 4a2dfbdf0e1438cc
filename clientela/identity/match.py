"""Which nodes are one person, and on what evidence: exact rules first, then weighed pairs.

Belongs here: candidate pairs, scoring them with a frozen model, vetoes, and the decision that a pair links. Does not
belong here: what the links together make of their nodes (`cluster`).

Every decision about a pair depends on the two nodes, the model and the settings; which pairs are looked at depends on
all nodes of the run, never on the order in which they came.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import polars as pl

from clientela.identity.evidence import blocking_keys
from clientela.identity.model import Model, new_linker, splink_api, with_frequencies
from clientela.identity.settings import ExactRule, IdentitySettings

EXACT_WEIGHT = 1000.0
"""The weight of a link by an exact rule: more than any sum of evidence."""
SHARED_IN_A_HOUSE = ("family", "phone", "address")
HOUSE_WEIGHT = 1.0
"""What surname, phone and home can prove together is the same house; among its people the odds are about even."""
LEAST_BESIDE_NAME = 2.0
"""A name alone never links, however rare: some other field must speak for it with at least this much."""
LINK_SCHEMA: dict[str, pl.DataType] = {
    "node_l": pl.Int64(),
    "node_r": pl.Int64(),
    "rule": pl.String(),
    "weight": pl.Float64(),
}


@dataclass(frozen=True)
class Scored:
    """`pairs`: (node_l, node_r, model, mw_<field>…) for every candidate of this run: hand it in again next time."""

    pairs: pl.DataFrame
    scored_count: int


def exact_links(nodes: pl.DataFrame, rules: tuple[ExactRule, ...]) -> pl.DataFrame:
    """Links (node_l, node_r, rule, weight) between nodes that agree on all fields of a rule.

    Each group is a star around its smallest node, so the work is linear. If the group disagrees on birth date or valid
    tax id, only those that agree on both are linked: the father is not the son.
    """
    out = [pl.DataFrame(schema=LINK_SCHEMA)]
    for rule in rules:
        fields = list(rule.fields)
        usable = nodes.drop_nulls(fields)
        if rule.fields == ("tax_id",):
            usable = usable.filter(pl.col("is_tax_id_valid") | pl.col("country").is_null())
        proof = pl.when("is_tax_id_valid").then("tax_id").alias("proof")
        group = usable.select("node", "birth_date", "generation", proof, *fields if "birth_date" not in fields else [])
        group = usable.with_columns(proof).select({"node", "birth_date", "generation", "proof", *fields})
        group = group.filter(pl.len().over(fields) > 1).with_columns(
            pl.any_horizontal(
                pl.col(name).drop_nulls().n_unique().over(fields) > 1 for name in ("birth_date", "proof", "generation")
            ).alias("is_disputed")
        )
        agreed = group.filter(~pl.col("is_disputed")).with_columns(pl.col("node").min().over(fields).alias("node_l"))
        apart = (
            group.filter(pl.col("is_disputed"))
            .drop_nulls("birth_date")
            .with_columns(
                pl.col("node")
                .min()
                .over([*dict.fromkeys([*fields, "birth_date"]), "proof", "generation"])
                .alias("node_l")
            )
        )
        out.append(
            pl.concat([agreed.select("node_l", "node"), apart.select("node_l", "node")])
            .filter(pl.col("node_l") != pl.col("node"))
            .select(
                "node_l",
                pl.col("node").alias("node_r"),
                pl.lit(rule.name).alias("rule"),
                pl.lit(EXACT_WEIGHT).alias("weight"),
            )
        )
    return pl.concat([*out, _only_bearer_links(nodes)])


def _only_bearer_links(nodes: pl.DataFrame) -> pl.DataFrame:
    """An e-mail without a first name belongs to the one person known to use it; if a family uses it, to nobody."""
    usable = nodes.drop_nulls("email").filter(pl.len().over("email") > 1)
    is_nameless = pl.col("given").is_null()
    bearers = (
        usable.filter(~is_nameless)
        .group_by("email")
        .agg(pl.col("given").drop_nulls().n_unique().alias("people"), pl.col("node").min().alias("bearer"))
        .filter(pl.col("people") <= 1)
    )
    return (
        usable.filter(is_nameless)
        .join(bearers, on="email", how="left")
        .with_columns(pl.col("node").min().over("email").alias("first"))
        .filter(pl.col("bearer").is_not_null() | ~pl.col("email").is_in(usable.filter(~is_nameless)["email"].implode()))
        .select(
            pl.min_horizontal("node", pl.coalesce("bearer", "first")).alias("node_l"),
            pl.max_horizontal("node", pl.coalesce("bearer", "first")).alias("node_r"),
            pl.lit("email, its only bearer").alias("rule"),
            pl.lit(EXACT_WEIGHT).alias("weight"),
        )
        .filter(pl.col("node_l") != pl.col("node_r"))
    )


def candidates(nodes: pl.DataFrame, max_block_size: int) -> pl.DataFrame:
    """Pairs (node_l, node_r) worth weighing: they share a blocking key that not too many nodes share.

    A node meets fewer than `max_block_size` others per key, so pairs are at most linear in nodes.
    """
    pairs: list[pl.DataFrame] = []
    for keys in blocking_keys(nodes).values():
        block = keys.select(pl.col("key").hash(), "node").filter(pl.len().over("key").is_between(2, max_block_size))
        pairs.append(
            block.join(block, on="key", suffix="_r")
            .filter(pl.col("node") < pl.col("node_r"))
            .select(pl.col("node").alias("node_l"), "node_r")
        )
    return pl.concat(pairs).unique() if pairs else pl.DataFrame(schema={"node_l": pl.Int64, "node_r": pl.Int64})


def score(
    nodes: pl.DataFrame,
    model: Model,
    settings: IdentitySettings,
    cache: pl.DataFrame | None = None,
    key: str = "",
) -> Scored:
    """Weigh every candidate pair with the frozen model; pairs that it weighed before are taken from the cache."""
    wanted = candidates(nodes, settings.max_block_size)
    known = None
    if cache is not None and cache.height and "model" in cache.columns:
        known = cache.filter(pl.col("model") == model.id).join(wanted, on=["node_l", "node_r"], how="semi")
    missing = wanted if known is None else wanted.join(known, on=["node_l", "node_r"], how="anti")
    fresh = _score(nodes, model, settings, missing, key)
    together = fresh if known is None else pl.concat([known.select(fresh.columns), fresh])
    return Scored(pairs=together, scored_count=missing.height)


def _score(
    nodes: pl.DataFrame, model: Model, settings: IdentitySettings, pairs: pl.DataFrame, key: str
) -> pl.DataFrame:
    columns = {
        "node_l": pl.Int64,
        "node_r": pl.Int64,
        "model": pl.String,
        **{f"mw_{field}": pl.Float32 for field in model.fields},
    }
    if pairs.is_empty():
        return pl.DataFrame(schema=columns)
    involved = nodes.filter(pl.col("node").is_in(pl.concat([pairs["node_l"], pairs["node_r"]]).unique().implode()))
    involved, frequencies = with_frequencies(involved, model, key)
    with splink_api(settings) as api:
        linker = new_linker(api, involved, model.parameters)
        for field, table in frequencies.items():
            linker.table_management.register_term_frequency_lookup(api.register(table.to_arrow()), field)
        blocked = pairs.select(
            pl.lit("0").alias("match_key"), pl.col("node_l").alias("join_key_l"), pl.col("node_r").alias("join_key_r")
        )
        linker.table_management.register_blocked_pairs_for_predict(api.register(blocked.to_arrow()))
        weighed = linker.inference.predict(warning_mode="never")
        weights = []
        for field in model.fields:
            parts = [f"mw_{field}"]
            if field in frequencies:
                parts.append(f"mw_tf_adj_{field}")
            weights.append(f"cast({' + '.join(parts)} as float) as mw_{field}")
        found: pl.DataFrame = (
            api.duckdb_con.sql(f"select node_l, node_r, {', '.join(weights)} from {weighed.physical_name}")
            .pl()
            .with_columns(pl.lit(model.id).alias("model"))
            .select(*columns)
        )
        return found


def weigh(scored: pl.DataFrame, model: Model) -> pl.DataFrame:
    """Add `weight`, `personal_weight` and `weight_beside_name` to scored pairs.

    Plain Fellegi-Sunter adds up all fields as if they were independent, and so takes a family for one person: surname,
    phone and home come together. Where homes are shared their sum counts for no more than `HOUSE_WEIGHT`.
    """
    names = [name.removeprefix("mw_") for name in scored.columns if name.startswith("mw_")]
    weight = {field: pl.col(f"mw_{field}").cast(pl.Float64) for field in names}
    zero = pl.lit(0.0)
    beside_name = pl.max_horizontal(zero, *(weight[field] for field in names if field not in ("given", "family")))
    # An e-mail is the person's own only if the first names agree; else a family may share it.
    given, email = weight.get("given", zero), weight.get("email", zero)
    own_email = pl.when(given > 0).then(email).otherwise(0.0)
    house = pl.lit(model.prior_weight) + (email - own_email)
    person = own_email
    for field in names:
        if field in SHARED_IN_A_HOUSE:
            house = house + weight[field]
        elif field != "email":
            person = person + weight[field]
    if not model.are_homes_shared:
        house, person = zero, house + person
    return scored.with_columns(
        person.alias("personal_weight"),
        beside_name.alias("weight_beside_name"),
        (pl.min_horizontal(house, pl.lit(HOUSE_WEIGHT)) + person).alias("weight"),
    )


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


VETOES = """
    case
        when l.is_tax_id_valid and r.is_tax_id_valid and l.tax_id <> r.tax_id
            then 'different valid tax ids'
        when l.generation <> r.generation
            then 'father and son by name'
        when l.born <> r.born
            and damerau_levenshtein(l.born, r.born) > 1
            and not (left(l.born, 4) = left(r.born, 4) and right(l.born, 2) || substr(l.born, 5, 2) = right(r.born, 4))
            and not coalesce(damerau_levenshtein(l.tax_id, r.tax_id) <= 1, false)
            and ($are_homes_shared or not coalesce(l.given = r.given and l.family = r.family, false))
            then 'different birth dates'
        when $are_homes_shared and l.given <> r.given
            and not list_has_any(l.given_words, r.given_words)
            and not coalesce(l.given = r.family, false) and not coalesce(r.given = l.family, false)
            and not (len(l.given) = 1 and left(r.given, 1) = l.given)
            and not (len(r.given) = 1 and left(l.given, 1) = r.given)
            and not coalesce(damerau_levenshtein(l.tax_id, r.tax_id) <= 1, false)
            and (
                jaro_winkler_similarity(l.given, r.given) < 0.80
                or (
                    l.is_given_common and r.is_given_common
                    and not coalesce(
                        l.born = r.born and l.email = r.email and jaro_winkler_similarity(l.given, r.given) >= 0.88,
                        false
                    )
                )
            )
            then 'different first names'
    end
"""


def vetoed(
    nodes: pl.DataFrame, pairs: pl.DataFrame, *, are_homes_shared: bool = True, threads: int = 2
) -> pl.DataFrame:
    """Those of the pairs (node_l, node_r) that cannot be one person, with the `veto` that says why.

    `nodes` must carry `is_given_common` (see `model.with_frequencies`).
    """
    if pairs.is_empty():
        return pairs.select("node_l", "node_r").with_columns(pl.lit(None, pl.String).alias("veto"))
    needed = ["node", "given", "given_words", "is_given_common", "family", "generation", "born", "email", "tax_id"]
    with duckdb.connect(":memory:", config={"threads": threads}) as connection:
        connection.register("nodes", nodes.select(*needed, "is_tax_id_valid").to_arrow())
        connection.register("pairs", pairs.select("node_l", "node_r").to_arrow())
        found: pl.DataFrame = connection.sql(
            f"""
            select node_l, node_r, {VETOES} as veto
            from pairs join nodes l on l.node = node_l join nodes r on r.node = node_r
            where veto is not null
            """,
            params={"are_homes_shared": are_homes_shared},
        ).pl()
        return found
