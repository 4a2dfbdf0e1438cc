"""What speaks for two records being one person, as a weight: scored by the frozen model, and capped where a house shares it."""

from __future__ import annotations

import polars as pl

from clientela.identity.model import Model, frequencies_among, new_linker, splink_api, with_common_names
from clientela.identity.settings import IdentitySettings

SHARED_IN_A_HOUSE = ("family", "phone", "address")
HOUSE_WEIGHT = 1.0
"""What surname, phone and home can prove together is the same house; among its people the odds are about even."""
NAMESAKE_WEIGHT = 4.0
"""What a first name can prove among the people of one house: mothers and daughters, fathers and sons bear one name."""


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
