"""Where a component that cannot be true is cut."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from clientela.identity.cluster import Clusters, cluster
from clientela.identity.exact_rules import EXACT_WEIGHT
from clientela.identity.links import LINK_SCHEMA, combine
from clientela.identity.model import default_model
from clientela.identity.pair_weights import HOUSE_WEIGHT, weigh
from clientela.identity.settings import IdentitySettings

Link = tuple[int, int, float]


def run(links: list[Link], forbidden: list[tuple[int, int]] | None = None, most: int = 40) -> Clusters:
    frame = pl.DataFrame(
        [(a, b, "weighed" if weight < EXACT_WEIGHT else "exact", weight) for a, b, weight in links],
        schema={"node_l": pl.Int64, "node_r": pl.Int64, "rule": pl.String, "weight": pl.Float64},
        orient="row",
    )
    vetoes = pl.DataFrame(forbidden or [], schema={"node_l": pl.Int64, "node_r": pl.Int64}, orient="row")

    def find(pairs: pl.DataFrame) -> pl.DataFrame:
        return pairs.join(vetoes, on=["node_l", "node_r"], how="semi").select(
            "node_l", "node_r", pl.lit("different birth dates").alias("veto")
        )

    nodes = pl.concat([frame["node_l"], frame["node_r"]]).unique()
    return cluster(nodes, frame, IdentitySettings(max_cluster_size=most), find)


def parts(done: Clusters) -> set[tuple[int, ...]]:
    by = done.clusters.group_by("cluster").agg(pl.col("node").sort())
    return {tuple(nodes) for nodes in by["node"].to_list()}


def test_one_weak_bridge_between_two_groups_is_cut_and_reported() -> None:
    done = run([(1, 2, 20.0), (2, 3, 4.0), (3, 4, 20.0)])
    assert parts(done) == {(1, 2), (3, 4)}
    assert done.cuts.select("node_l", "node_r", "reason").rows() == [(2, 3, "one weak bridge between two groups")]


def test_two_weak_bridges_or_a_single_record_at_the_end_are_not_cut() -> None:
    assert parts(run([(1, 2, 20.0), (2, 3, 4.0), (1, 4, 4.0), (3, 4, 20.0)])) == {(1, 2, 3, 4)}
    assert parts(run([(1, 2, 20.0), (2, 3, 4.0)])) == {(1, 2, 3)}


def test_a_forbidden_pair_never_ends_in_one_cluster_and_the_weakest_link_between_goes() -> None:
    done = run([(1, 2, 20.0), (2, 3, 10.0), (3, 4, 20.0)], forbidden=[(1, 4)])
    assert parts(done) == {(1, 2), (3, 4)}
    assert done.cuts["reason"].to_list() == ["it would join different birth dates"]


def test_a_customer_that_grows_beyond_plausibility_loses_its_weak_links() -> None:
    done = run([(a, a + 1, 4.0 if a % 3 == 0 else 20.0) for a in range(1, 12)], most=5)
    assert max(len(part) for part in parts(done)) == 3
    assert done.oversized.is_empty()


def test_what_exact_rules_hold_together_stays_but_is_reported() -> None:
    done = run([(1, b, EXACT_WEIGHT) for b in range(2, 10)], most=5)
    assert done.oversized.rows() == [(1, 9)]


def test_cutting_does_not_depend_on_the_order_of_links() -> None:
    links = [(1, 2, 9.0), (2, 3, 9.0), (3, 4, 9.0), (1, 3, 9.0), (4, 5, 9.0)]
    forbidden = [(1, 5), (2, 4)]
    assert parts(run(links, forbidden)) == parts(run(links[::-1], forbidden))


def test_a_name_alone_never_links_however_rare_and_a_house_alone_neither() -> None:
    weighed = pl.DataFrame(
        {
            "node_l": [1, 3, 5],
            "node_r": [2, 4, 6],
            "weight": [20.0, 20.0, 20.0],
            "personal_weight": [9.0, 0.0, 9.0],
            "weight_beside_name": [0.0, 9.0, 9.0],
        }
    )
    none = pl.DataFrame(schema=LINK_SCHEMA)
    assert combine(none, weighed, IdentitySettings()).select("node_l", "node_r").rows() == [(5, 6)]


def test_surname_phone_and_home_together_prove_the_house_and_not_the_person() -> None:
    texts = ("given", "family", "family_first", "born", "email", "phone_digits", "tax_id", "loyalty_id", "street")
    nodes = pl.DataFrame(schema={"node": pl.Int64, "postal_code": pl.String, **dict.fromkeys(texts, pl.String)})
    model = default_model(nodes)
    scored = pl.DataFrame({"mw_given": [0.0], "mw_family": [9.0], "mw_phone": [12.0], "mw_address": [11.0]})
    assert weigh(scored, model).select("weight", "personal_weight").rows() == [(HOUSE_WEIGHT, 0.0)]
    single = replace(model, are_homes_shared=False)
    assert weigh(scored, single)["weight"].item() > 15
