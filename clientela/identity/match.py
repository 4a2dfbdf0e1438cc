"""Which nodes are one person, and on what evidence: exact rules first, then weighed pairs.

Belongs here: candidate pairs, scoring them with a frozen model, vetoes, and the decision that a pair links. Does not
belong here: what the links together make of their nodes (`cluster`).

Every decision about a pair depends on the two nodes, the model and the settings; which pairs are looked at depends on
all nodes of the run, never on the order in which they came.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import polars as pl

from clientela.identity.model import (
    Model,
    frequencies_among,
    initial_agrees,
    lost_letters_agree,
    new_linker,
    slip_in_first_name,
    splink_api,
    with_common_names,
)
from clientela.identity.settings import ExactRule, IdentitySettings, Veto

EXACT_WEIGHT = 1000.0
"""The weight of a link by an exact rule: more than any sum of evidence."""
SHARED_IN_A_HOUSE = ("family", "phone", "address")
HOUSE_WEIGHT = 1.0
"""What surname, phone and home can prove together is the same house; among its people the odds are about even."""
NAMESAKE_WEIGHT = 4.0
"""What a first name can prove among the people of one house: mothers and daughters, fathers and sons bear one name."""
LEAST_BESIDE_NAME = 2.0
"""A name alone never links, however rare: some other field must speak for it with at least this much."""
ONLY_BEARER = "email, its only bearer"
LINK_SCHEMA: dict[str, pl.DataType] = {
    "node_l": pl.Int64(),
    "node_r": pl.Int64(),
    "rule": pl.String(),
    "weight": pl.Float64(),
}


def exact_rules(rules: tuple[ExactRule, ...]) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """(name, fields, SQL) of each rule; the SQL gives its links (node_l, node_r, rule, weight) among the nodes of `mine`.

    Each group of nodes that agree on all fields is a star around its smallest node, so the work is linear. If the group
    disagrees on birth date, valid tax id or generation, only those that agree on all are linked: the father is not the
    son. The last rule is not the company's: an e-mail without a first name belongs to the one person known to use it; if
    a family uses it, to nobody.
    """
    for rule in rules:
        fields = ", ".join(rule.fields)
        known = " and ".join(f"{field} is not null" for field in rule.fields)
        if rule.fields == ("tax_id",):
            known += " and (is_tax_id_valid or country is null)"
        disputed = " or ".join(
            f"coalesce(min({column}) over one <> max({column}) over one, false)"
            for column in ("birth_date", "generation", "case when is_tax_id_valid then tax_id end")
        )
        yield (
            rule.name,
            rule.fields,
            f"""
            with
            several as (select {fields} from mine where {known} group by {fields} having count(*) > 1),
            grouped as (
                select node, birth_date, min(node) over one as first_node, {disputed} as is_disputed,
                    min(node) over (
                        partition by {fields}, birth_date, generation, case when is_tax_id_valid then tax_id end
                    ) as first_alike
                from mine semi join several using ({fields}) where {known} window one as (partition by {fields})
            )
            select case when is_disputed then first_alike else first_node end as node_l, node as node_r,
                {_literal(rule.name)} as rule, {EXACT_WEIGHT} as weight
            from grouped where node_l < node and (not is_disputed or birth_date is not null)
            """,
        )
    yield (
        ONLY_BEARER,
        ("email",),
        f"""
        with
        half_named as (select email from mine group by email having count(*) > count(given)),
        aimed as (
            select node, given, case
                when count(given) over one = 0 then min(node) over one
                when min(given) over one = max(given) over one then min(node) filter (where given is not null) over one
            end as target
            from mine semi join half_named using (email) window one as (partition by email)
        )
        select least(node, target) as node_l, greatest(node, target) as node_r, '{ONLY_BEARER}' as rule,
            {EXACT_WEIGHT} as weight
        from aimed where given is null and target <> node
        """,
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def score(nodes: pl.DataFrame, model: Model, settings: IdentitySettings, pairs: pl.DataFrame, key: str) -> pl.DataFrame:
    """Weigh pairs (node_l, node_r) with the frozen model: (node_l, node_r, mw_<field>…). `nodes` holds both sides."""
    columns = {"node_l": pl.Int64, "node_r": pl.Int64, **{f"mw_{field}": pl.Float32 for field in model.fields}}
    shares = frequencies_among(nodes, model, key)
    with splink_api(settings) as api:
        linker = new_linker(api, with_common_names(nodes, model, key), model.parameters)
        for field, table in shares.items():
            linker.table_management.register_term_frequency_lookup(api.register(table.to_arrow()), field)
        blocked = pairs.select(
            pl.lit("0").alias("match_key"), pl.col("node_l").alias("join_key_l"), pl.col("node_r").alias("join_key_r")
        )
        linker.table_management.register_blocked_pairs_for_predict(api.register(blocked.to_arrow()))
        weighed = linker.inference.predict(warning_mode="never")
        weights = []
        for field in model.fields:
            parts = [f"mw_{field}"]
            if field in shares:
                parts.append(f"mw_tf_adj_{field}")
            weights.append(f"cast({' + '.join(parts)} as float) as mw_{field}")
        found: pl.DataFrame = (
            api.duckdb_con.sql(f"select node_l, node_r, {', '.join(weights)} from {weighed.physical_name}")
            .pl()
            .select(*columns)
        )
        return found


def weigh(scored: pl.DataFrame, model: Model) -> pl.DataFrame:
    """Add `weight`, `personal_weight` and `weight_beside_name` to scored pairs.

    Plain Fellegi-Sunter adds up all fields as if they were independent, and so takes a family for one person: surname,
    phone and home come together. Where homes are shared their sum counts for no more than `HOUSE_WEIGHT`, and a first
    name without anything else of the person's own for no more than `NAMESAKE_WEIGHT`.
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
        if field == "phone":
            # a phone in common is the house's; two phones are two people's
            house, person = house + weight[field].clip(lower_bound=0), person + weight[field].clip(upper_bound=0)
        elif field in SHARED_IN_A_HOUSE:
            house = house + weight[field]
        elif field not in ("email", "given"):
            person = person + weight[field]
    own = pl.max_horizontal(zero, own_email, *(weight[f] for f in names if f in ("birth_date", "tax_id", "loyalty_id")))
    person = person + pl.when((own > 0) | pl.lit(not model.are_homes_shared)).then(given).otherwise(
        pl.min_horizontal(given, pl.lit(NAMESAKE_WEIGHT))
    )
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


VETOES: dict[Veto, tuple[str, str]] = {
    "different_tax_ids": (
        "different valid tax ids",
        "l.is_tax_id_valid and r.is_tax_id_valid and l.tax_id <> r.tax_id",
    ),
    "different_generations": ("father and son by name", "l.generation <> r.generation"),
    "different_birth_dates": (
        "different birth dates",
        """
        l.born <> r.born
        and damerau_levenshtein(l.born, r.born) > 1
        and not (left(l.born, 4) = left(r.born, 4) and right(l.born, 2) || substr(l.born, 5, 2) = right(r.born, 4))
        and not coalesce(damerau_levenshtein(l.tax_id, r.tax_id) <= 1, false)
        and (
            $are_homes_shared
            or not coalesce(
                greatest(jaro_winkler_similarity(l.given, r.given), jaro_winkler_similarity(l.family, r.family)) >= 0.85,
                false
            )
        )
        """,
    ),
    "different_family_names": (
        "one of two family names in common, as relatives have",
        f"""
        $are_homes_shared and len(l.family_words) = 2 and len(r.family_words) = 2
        and len(list_intersect(l.family_words, r.family_words)) = 1
        and jaro_winkler_similarity(l.family, r.family) < 0.96
        and not {lost_letters_agree("l.family", "r.family")}
        and jaro_winkler_similarity(
            list_filter(l.family_words, lambda word: not list_contains(r.family_words, word))[1],
            list_filter(r.family_words, lambda word: not list_contains(l.family_words, word))[1]
        ) < 0.80
        """,
    ),
    "different_first_names": (
        "different first names",
        f"""
        $are_homes_shared and l.given <> r.given
        and not list_has_any(l.given_words, r.given_words)
        and not coalesce(l.given = r.family, false) and not coalesce(r.given = l.family, false)
        and not coalesce(
            jaro_winkler_similarity(l.given, r.family) >= 0.88 and jaro_winkler_similarity(r.given, l.family) >= 0.88, false
        )
        and not {lost_letters_agree("l.given", "r.given")}
        and not {initial_agrees("l.{}", "r.{}")}
        and not coalesce(damerau_levenshtein(l.tax_id, r.tax_id) <= 1, false)
        and (
            (
                jaro_winkler_similarity(l.given, r.given) < 0.80
                and not {slip_in_first_name("l.{}", "r.{}")}
            )
            or (
                l.is_given_common and r.is_given_common
                and not coalesce(
                    l.born = r.born and l.email = r.email and jaro_winkler_similarity(l.given, r.given) >= 0.88,
                    false
                )
            )
        )
        """,
    ),
}
"""Veto -> what it says, and when it holds for nodes l and r."""


def vetoed(
    nodes: pl.DataFrame,
    pairs: pl.DataFrame,
    vetoes: tuple[Veto, ...] = tuple(VETOES),
    *,
    are_homes_shared: bool = True,
    threads: int = 2,
) -> pl.DataFrame:
    """Those of the pairs (node_l, node_r) that cannot be one person, with the `veto` that says why.

    `nodes` must carry `is_given_common` (see `model.with_common_names`).
    """
    if pairs.is_empty() or not vetoes:
        return pairs.select("node_l", "node_r").clear().with_columns(pl.lit(None, pl.String).alias("veto"))
    needed = [
        "node",
        "given",
        "given_words",
        "given_initials",
        "given_forms",
        "is_given_common",
        "family",
        "family_words",
        "generation",
        "born",
        "email",
        "tax_id",
    ]
    cases = " ".join(f"when {VETOES[veto][1]} then {_literal(VETOES[veto][0])}" for veto in VETOES if veto in vetoes)
    with duckdb.connect(":memory:", config={"threads": threads}) as connection:
        connection.register("nodes", nodes.select(*needed, "is_tax_id_valid").to_arrow())
        connection.register("pairs", pairs.select("node_l", "node_r").to_arrow())
        found: pl.DataFrame = connection.sql(
            f"""
            select node_l, node_r, case {cases} end as veto
            from pairs join nodes l on l.node = node_l join nodes r on r.node = node_r
            where veto is not null
            """,
            params={"are_homes_shared": are_homes_shared} if "$are_homes_shared" in cases else {},
        ).pl()
        return found
