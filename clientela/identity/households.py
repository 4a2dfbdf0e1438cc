"""Households: customers who share a home and a name, or a home and a phone. Never the same as being one customer.

Belongs here: the optional second clustering, over customers. Does not belong here: anything that moves a record.
"""

from __future__ import annotations

import polars as pl

from clientela.identity.cluster import components

MAX_HOUSEHOLD = 12
"""More customers than this behind one door or phone are a block of flats or an office."""


def households(normalised: pl.DataFrame, crosswalk: pl.DataFrame) -> pl.DataFrame:
    """(customer_id, household_id, customers): the household's id is its smallest customer id, not stable for ever.

    `normalised`: the frame of `normalise`. Linked are customers with the same street and place, and either a family
    name or a phone in common. Customers who share nothing are a household of one.
    """
    home = pl.concat_str("street", pl.coalesce("postal_code", "city"), separator="|")
    people = normalised.join(crosswalk, on="record_id").with_columns(home.alias("home"))
    named = people.with_columns(pl.col("family").str.split(" ").alias("name")).explode("name")
    keys = pl.concat(
        [
            named.select("customer_id", pl.concat_str(pl.lit("name|"), "name", pl.lit("|"), "home").alias("key")),
            people.select("customer_id", pl.concat_str(pl.lit("phone|"), "phone", pl.lit("|"), "home").alias("key")),
        ]
    )
    shared = keys.drop_nulls().unique().filter(pl.len().over("key").is_between(2, MAX_HOUSEHOLD))
    links = shared.select(
        pl.col("customer_id").min().over("key").alias("node_l"), pl.col("customer_id").alias("node_r")
    )
    return (
        components(crosswalk["customer_id"], links)
        .rename({"node": "customer_id", "cluster": "household_id"})
        .with_columns(pl.len().over("household_id").cast(pl.Int64).alias("customers"))
        .sort("customer_id")
    )
