"""Vetoes: what two records cannot differ in and be one person all the same, whatever else they share."""

from __future__ import annotations

import duckdb
import polars as pl

from clientela.identity.comparisons import initial_agrees, lost_letters_agree, slip_in_first_name
from clientela.identity.settings import Veto
from clientela.sql.quoting import literal

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
    cases = " ".join(f"when {VETOES[veto][1]} then {literal(VETOES[veto][0])}" for veto in VETOES if veto in vetoes)
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
