"""Why these records are one customer, and why a near one is not: as a frame, and in plain sentences.

Belongs here: turning links, cuts and weights into evidence that a person can read. Does not belong here: deciding
anything. The evidence frame holds record ids, rules and weights, never a name or an address, so it needs no masking;
`sentences` shows values only if asked to.
"""

from __future__ import annotations

import polars as pl

from clientela.identity.cluster import ALWAYS, Clusters
from clientela.identity.exact_rules import EXACT_WEIGHT
from clientela.identity.model import Model
from clientela.identity.namesakes import CERTAIN_FROM, RARE_NAME
from clientela.identity.settings import IdentitySettings
from clientela.identity.tables import WEIGHED_FIELDS, WEIGHT_PARTS

_WHY: dict[str, pl.DataType] = {
    "status": pl.String(),
    "rule": pl.String(),
    "match_weight": pl.Float64(),
    "is_weak": pl.Boolean(),
    "is_doubtful": pl.Boolean(),
    "is_by_home_alone": pl.Boolean(),
    "reason": pl.String(),
    **{f"{part}_weight": pl.Float64() for part in WEIGHT_PARTS},
}
_PART_NAMES = {
    "birth_date": "birth date",
    "tax_id": "tax id",
    "loyalty_id": "loyalty card",
    "prior": "any two records",
    "cap": "more than a shared home or first name may weigh",
    "namesake": "names that go together, and relatives of one name",
}
EVIDENCE_SCHEMA: dict[str, pl.DataType] = {"node_l": pl.Int64(), "node_r": pl.Int64(), **_WHY}
LINKS_SCHEMA: dict[str, pl.DataType] = {"record_id_l": pl.Int64(), "record_id_r": pl.Int64(), **_WHY}
OWN_FIELDS = ("email", "birth_date", "tax_id", "loyalty_id")
"""What belongs to a person, and not to the house."""
NEAR = 8.0
"""A pair that fell short of the link weight by no more than this is kept as a near one, to be explained."""
ROUNDING = 1e-6
"""A cap that takes off less than this takes off nothing."""


def node_evidence(
    links: pl.DataFrame,
    done: Clusters,
    weighed: pl.DataFrame | None,
    model: Model | None,
    settings: IdentitySettings,
) -> pl.DataFrame:
    """One row per pair of nodes that was linked, cut or near, in `EVIDENCE_SCHEMA`.

    `status`: `linked`; `cut` (a rule or weight would link them, a guard or veto did not let it: see `reason`); `near`
    (the weight was not enough). `match_weight` is null where an exact rule spoke. `is_by_home_alone`: name and home or
    phone agree and nothing of the person's own is known of both, so relatives of one name would look the same. All of these
    are doubtful until it is looked at who else is known there (`store.Store`).
    """
    cut = done.cuts.select("node_l", "node_r", "reason").unique(["node_l", "node_r"], keep="first", maintain_order=True)
    together = links.join(cut, on=["node_l", "node_r"], how="left").with_columns(
        pl.when(pl.col("reason").is_null()).then(pl.lit("linked")).otherwise(pl.lit("cut")).alias("status")
    )
    if weighed is not None:
        near = (
            weighed.filter(pl.col("weight") >= settings.link_weight - NEAR)
            .join(links, on=["node_l", "node_r"], how="anti")
            .select(
                "node_l",
                "node_r",
                pl.lit("weighed").alias("rule"),
                "weight",
                pl.when(pl.col("weight") >= settings.link_weight)
                .then(pl.lit("nothing of the person's own speaks for it"))
                .otherwise(pl.lit("the evidence is not enough"))
                .alias("reason"),
                pl.lit("near").alias("status"),
            )
        )
        together = pl.concat([together, near.select(together.columns)]).join(
            _by_part(weighed, model), on=["node_l", "node_r"], how="left"
        )
    own = [pl.col(f"{field}_weight") > 0 for field in OWN_FIELDS if f"{field}_weight" in together.columns]
    at_home = [rule.name for rule in settings.exact_rules if not set(rule.fields) & {*OWN_FIELDS}]
    is_by_home_alone = (
        pl.lit(model is None or model.are_homes_shared)
        & (pl.col("status") == "linked")
        & pl.col("rule").is_in(["weighed", *at_home])
        & ~pl.any_horizontal(pl.lit(False), *own).fill_null(False)
    )
    return together.with_columns(
        is_by_home_alone.alias("is_by_home_alone"),
        is_by_home_alone.alias("is_doubtful"),
        (pl.col("weight") < settings.weak_weight).fill_null(False).alias("is_weak"),
        pl.when(pl.col("weight") < EXACT_WEIGHT / 2).then("weight").alias("match_weight"),
    ).select(
        (
            pl.col(name)
            if name in together.columns or name in ("is_weak", "is_doubtful", "is_by_home_alone", "match_weight")
            else pl.lit(None)
        )
        .cast(kind)
        .alias(name)
        for name, kind in EVIDENCE_SCHEMA.items()
    )


def name_evidence(found: pl.DataFrame, settings: IdentitySettings) -> pl.DataFrame:
    """What `namesakes.weigh` found, as evidence between customers: customer_l, customer_r and the columns of `_WHY`."""
    odds = (pl.col("probability") / (1 - pl.col("probability"))).log(2)
    is_linked = pl.col("reason").is_null()
    derived = {
        "status": pl.when(is_linked).then(pl.lit("linked")).otherwise(pl.lit("near")),
        "rule": pl.lit(RARE_NAME),
        "match_weight": odds,
        "is_weak": is_linked & (odds < settings.weak_weight),
        "is_doubtful": is_linked & (pl.col("probability") < CERTAIN_FROM),
        "is_by_home_alone": pl.lit(False),
    }
    known = {name: pl.col(name) for name in found.columns} | derived
    return found.select(
        "customer_l",
        "customer_r",
        *(known.get(name, pl.lit(None)).cast(kind).alias(name) for name, kind in _WHY.items()),
    )


def _by_part(weighed: pl.DataFrame, model: Model | None) -> pl.DataFrame:
    """(node_l, node_r, `<part>_weight`…): parts that sum to the pair's weight, caps with what they took off."""
    fields = [
        pl.col(f"mw_{field}").cast(pl.Float64).alias(f"{field}_weight")
        for field in WEIGHED_FIELDS
        if model is not None and field in model.fields
    ]
    prior = 0.0 if model is None else model.prior_weight
    cap = pl.col("weight") - prior - pl.sum_horizontal(pl.lit(0.0), *fields)
    return weighed.select(
        "node_l",
        "node_r",
        *fields,
        pl.lit(prior).alias("prior_weight"),
        pl.when(cap.abs() > ROUNDING).then(cap).otherwise(0.0).alias("cap_weight"),
    )


def sentences(
    customer_id: int,
    crosswalk: pl.DataFrame,
    links: pl.DataFrame,
    records: pl.DataFrame | None = None,
    field_values: pl.DataFrame | None = None,
    *,
    show_values: bool = False,
) -> list[str]:
    """Say why this customer's records are one, why near ones are not, and where each value came from.

    `records` (record_id, source, source_key) names the records; without it they are called by their id. Values appear
    only with `show_values`.
    """
    mine = crosswalk.filter(pl.col("customer_id") == customer_id).sort("record_id")["record_id"].to_list()
    if not mine:
        return [f"There is no customer {customer_id} among the records of this run."]
    is_mine_l, is_mine_r = (pl.col(side).is_in(mine) for side in ("record_id_l", "record_id_r"))
    inside = links.filter(is_mine_l & is_mine_r)
    across = links.filter(is_mine_l ^ is_mine_r)
    asked = set(mine) | set(across["record_id_l"].to_list()) | set(across["record_id_r"].to_list())
    names = _names(records, asked)
    lines = [f"Customer {customer_id} has {_count(len(mine), 'record')}: {', '.join(names(r) for r in mine)}."]
    for link in inside.filter(pl.col("status") == "linked").iter_rows(named=True):
        lines.append(f"{names(link['record_id_l'])} and {names(link['record_id_r'])} are one {_because(link)}.")
    owner = dict(crosswalk.filter(pl.col("record_id").is_in(list(asked))).iter_rows())
    for link in across.filter(pl.col("status") != "linked").iter_rows(named=True):
        left, right = link["record_id_l"], link["record_id_r"]
        here, there = (left, right) if left in set(mine) else (right, left)
        lines.append(
            f"{names(there)}, customer {owner.get(there, 'unknown')}, is not the same as {names(here)}: "
            f"{link['reason']}{_parts(link)}."
        )
    if field_values is not None:
        for row in field_values.filter((pl.col("customer_id") == customer_id) & pl.col("is_winner")).iter_rows(
            named=True
        ):
            value = f" {row['value']!r}" if show_values else ""
            lines.append(f"The {row['field']}{value} comes from {names(row['record_id'])}: {row['rule']}.")
    return lines


def _names(records: pl.DataFrame | None, asked: set[int]):  # type: ignore[no-untyped-def]
    known: dict[int, str] = {}
    if records is not None:
        for record_id, source, source_key in (
            records.filter(pl.col("record_id").is_in(list(asked)))
            .select("record_id", "source", "source_key")
            .iter_rows()
        ):
            known[record_id] = f"{source} {source_key}"
    return lambda record_id: known.get(record_id, f"record {record_id}")


def _because(link: dict[str, object]) -> str:
    rule = str(link["rule"])
    if rule == ALWAYS:
        return "because someone decided so"
    doubt = "; relatives of one name would look the same" if link.get("is_doubtful") and rule != RARE_NAME else ""
    if rule == "identical":
        return f"because they say exactly the same{doubt}"
    if rule == "weighed":
        return f"because the evidence weighs {link['match_weight']:.1f}{_parts(link)}{doubt}"
    if rule == RARE_NAME:
        certainty = 1 / (1 + 2 ** -float(str(link["match_weight"])))
        return f"because nobody else bears so rare a name, {certainty:.1%} likely{_parts(link)}"
    return f"by the rule {rule}{doubt}"


def _parts(link: dict[str, object]) -> str:
    weights = {part: link[f"{part}_weight"] for part in WEIGHT_PARTS}
    said = {field: float(str(weight)) for field, weight in weights.items() if weight is not None and weight != 0}
    if not said:
        return ""
    ordered = sorted(said.items(), key=lambda item: (-item[1], item[0]))
    return " (" + ", ".join(f"{_PART_NAMES.get(part, part)} {weight:+.1f}" for part, weight in ordered) + ")"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
