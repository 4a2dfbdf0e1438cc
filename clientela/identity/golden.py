"""The golden record: which value of each field speaks for the customer, and by which rule.

Belongs here: survivorship. Does not belong here: deciding who the customer is, or masking; every value here is
personal.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from clientela.identity.normalise import NOTHING, complete
from clientela.identity.settings import IdentitySettings, SurvivorshipRule

GOLDEN_FIELDS = (
    "given_name", "family_name", "full_name", "email", "phone", "tax_id", "loyalty_id", "birth_date", "street",
    "postal_code", "city", "country",
)  # fmt: skip


@dataclass(frozen=True)
class Golden:
    """`customers`: (customer_id, one column per field). `field_values`: (customer_id, field, value, is_winner, rule,
    record_id, source, updated_at, record_count): every candidate, with the record that would give it."""

    customers: pl.DataFrame
    field_values: pl.DataFrame


def golden(
    records: pl.DataFrame,
    crosswalk: pl.DataFrame,
    settings: IdentitySettings | None = None,
    placeholders: pl.DataFrame | None = None,
) -> Golden:
    """Choose field by field; the fields of a group (an address) are taken from one record together.

    `records` in the contract's columns, as delivered: what wins is shown as the customer gave it. `placeholders`
    (field, value) never win where anything else is known; by default they are left out altogether.
    """
    settings = settings or IdentitySettings()
    ranks = {source: rank for rank, source in enumerate(settings.trusted_sources)}
    base = (
        complete(records)
        .join(crosswalk.select("record_id", "customer_id"), on="record_id")
        .with_columns(
            pl.col("source").replace_strict(ranks, default=len(ranks), return_dtype=pl.Int32).alias("trust"),
            pl.col("birth_date").dt.to_string("%Y-%m-%d"),
        )
    )
    grouped = {field for fields in settings.field_groups.values() for field in fields}
    units: list[tuple[str, tuple[str, ...]]] = [(name, fields) for name, fields in settings.field_groups.items()]
    units += [(field, (field,)) for field in GOLDEN_FIELDS if field not in grouped]
    values = pl.concat(
        [_candidates(base, name, fields, settings, placeholders) for name, fields in units if fields], how="vertical"
    ).sort("customer_id", "field", "rank", "value")
    winners = values.filter("is_winner")
    wide = winners.pivot(on="field", index="customer_id", values="value", on_columns=list(GOLDEN_FIELDS))
    customers = (
        base.select("customer_id")
        .unique()
        .join(wide, on="customer_id", how="left")
        .with_columns(pl.col("birth_date").str.to_date("%Y-%m-%d"))
        .select("customer_id", *GOLDEN_FIELDS)
        .sort("customer_id")
    )
    return Golden(customers=customers, field_values=values.drop("rank"))


def _candidates(
    base: pl.DataFrame,
    name: str,
    fields: tuple[str, ...],
    settings: IdentitySettings,
    placeholders: pl.DataFrame | None,
) -> pl.DataFrame:
    rule = settings.survivorship.get(name, settings.default_survivorship)
    is_known = pl.any_horizontal(_is_value(field, placeholders) for field in fields)
    bundle = pl.concat_str([pl.col(field).fill_null("") for field in fields], separator="\x1f")
    found = base.filter(is_known).select(
        "customer_id", "record_id", "source", "updated_at", "trust", *fields, bundle.alias("bundle")
    )
    filled = pl.sum_horizontal(pl.col(field).is_not_null().cast(pl.Int32) for field in fields)
    distinct = (
        found.with_columns(
            filled.alias("filled"),
            # A country alone is no address: records that know the group's first field go first.
            pl.col(fields[0]).is_null().alias("lacks_first"),
            pl.col("bundle").str.len_chars().alias("length"),
        )
        .sort(
            ["customer_id", "bundle", "trust", "updated_at", "record_id"],
            descending=[False, False, False, True, False],
            nulls_last=True,
        )
        .group_by("customer_id", "bundle", maintain_order=True)
        .agg(
            pl.exclude("customer_id", "bundle", "updated_at", "trust").first(),
            pl.col("updated_at").max(),
            pl.col("trust").min(),
            pl.len().cast(pl.Int64).alias("record_count"),
        )
    )
    order, descending = _order(rule)
    ranked = distinct.sort(
        ["customer_id", "lacks_first", *order], descending=[False, False, *descending], nulls_last=True
    ).with_columns(pl.int_range(pl.len(), dtype=pl.Int64).over("customer_id").alias("rank"))
    return pl.concat(
        [
            ranked.drop_nulls(field).select(
                "customer_id",
                pl.lit(field).alias("field"),
                pl.col(field).alias("value"),
                (pl.col("rank") == 0).alias("is_winner"),
                pl.lit(rule if len(fields) == 1 else f"{rule}, {name} from one record").alias("rule"),
                "record_id",
                "source",
                "updated_at",
                "record_count",
                "rank",
            )
            for field in fields
        ]
    )


def _order(rule: SurvivorshipRule) -> tuple[list[str], list[bool]]:
    """Every rule ends in the same tie-breaks, so that a golden record never depends on the order of rows."""
    first: dict[str, tuple[list[str], list[bool]]] = {
        "most_trusted": (["trust", "updated_at"], [False, True]),
        "most_recent": (["updated_at", "trust"], [True, False]),
        "most_frequent": (["record_count", "updated_at", "trust"], [True, True, False]),
        "longest": (["length", "updated_at", "trust"], [True, True, False]),
        "any": (["trust", "updated_at"], [False, True]),
    }
    order, descending = first[rule]
    return [*order, "filled", "record_count", "bundle"], [*descending, True, True, False]


def _is_value(field: str, placeholders: pl.DataFrame | None) -> pl.Expr:
    text = pl.col(field).str.strip_chars().str.to_lowercase()
    is_value = pl.col(field).is_not_null() & ~text.is_in(list(NOTHING))
    if placeholders is not None and placeholders.height:
        listed = placeholders.filter(pl.col("field") == field)["value"]
        if listed.len():
            is_value = is_value & ~pl.col(field).is_in(listed.implode())
    return is_value.fill_null(False)
