"""Distinct evidence: records that say the same about a person become one node, so that work is done once.

Belongs here: nodes, and the columns that comparing needs on top of the normalised ones. Does not belong here: pairs.

A node is named by a keyed hash of what it says. Names of nodes are therefore the same in every run with the same key,
and a cache of scored pairs of nodes holds ids and hashes, never a name.
"""

from __future__ import annotations

import duckdb
import polars as pl

EVIDENCE = (
    "given", "family", "generation", "email", "phone", "tax_id", "is_tax_id_valid", "loyalty_id", "birth_date",
    "street", "postal_code", "city", "country",
)  # fmt: skip


def nodes_of(
    records: pl.DataFrame, key: str = "", kept_apart: pl.Series | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(nodes, members) of normalised records.

    `nodes`: one row per distinct evidence that could link to something: node and the normalised columns.
    `members`: (record_id, node) for every record. Records that say too little to be told from a namesake stay a node
    each; records that say nothing a link could rest on are nodes in `members` only.
    `kept_apart`: ids of records that stay a node each, since someone decided that they are not somebody else.
    """
    has_name = pl.col("given").is_not_null() & pl.col("family").is_not_null()
    has_strong = pl.any_horizontal(pl.col("email", "tax_id", "loyalty_id").is_not_null())
    is_identifying = has_strong | (
        has_name & pl.any_horizontal(pl.col("phone", "birth_date").is_not_null())
        | (has_name & pl.col("street").is_not_null() & pl.any_horizontal(pl.col("postal_code", "city").is_not_null()))
    )  # fmt: skip
    can_link = (
        has_strong
        | pl.col("phone").is_not_null()
        | (
            (pl.col("given").is_not_null() | pl.col("family").is_not_null())
            & pl.any_horizontal(pl.col("birth_date", "street", "postal_code").is_not_null())
        )
    )
    marked = records.with_columns(is_identifying.alias("is_identifying"), can_link.alias("can_link"))
    if kept_apart is not None and kept_apart.len():
        is_apart = pl.col("record_id").is_in(kept_apart.implode())
        marked = marked.with_columns(pl.col("is_identifying") & ~is_apart)
    named = _named(marked, key)
    members = named.select("record_id", "node")
    can = named.filter("can_link")
    nodes = can.select("node", *EVIDENCE, "mailbox").unique("node", keep="any")
    return with_parts(nodes).sort("node"), members


def _named(marked: pl.DataFrame, key: str) -> pl.DataFrame:
    said = pl.concat_str([pl.col(name).cast(pl.String).fill_null("\x00") for name in EVIDENCE], separator="\x1f")
    # what such a record says is part of its name too: a name of a node never outlives a change
    own = pl.concat_str(pl.lit("record\x1f"), pl.col("record_id").cast(pl.String), pl.lit("\x1f"), said)
    texts = marked.select(pl.when("is_identifying").then(said).otherwise(own).alias("text"))
    with duckdb.connect(":memory:", config={"threads": 2}) as connection:
        connection.register("texts", texts.to_arrow())
        hashes = connection.sql(
            "select (md5_number_lower(? || text) >> 1)::bigint as node from texts", params=[key + "\x1e"]
        ).pl()
    return marked.with_columns(hashes["node"])


def with_parts(nodes: pl.DataFrame) -> pl.DataFrame:
    """Add to (node, EVIDENCE, mailbox) the parts of names, dates and addresses that comparing needs."""
    return nodes.with_columns(
        pl.col("is_tax_id_valid").fill_null(False),
        pl.col("given").str.split(" ").alias("given_words"),
        pl.col("family").str.split(" ").alias("family_words"),
        pl.col("street").str.extract(r"^(\d\S*)").alias("house_number"),
        pl.col("family").str.split(" ").list.first().alias("family_first"),
        pl.col("birth_date").dt.to_string("%Y%m%d").alias("born"),
        pl.col("phone").str.replace(r"^\+", "").alias("phone_digits"),
    )


def blocking_keys(nodes: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Blocking rule -> (node, key): nodes with a key in common meet. Together they let one badly written field pass.

    Rules `… word` use the beginning of each word of the name in turn, so that swapped, second and married names meet.
    """
    first_given = pl.col("given_words").list.first()
    first_family = pl.col("family_words").list.first()
    low, high = pl.min_horizontal(first_given, first_family), pl.max_horizontal(first_given, first_family)
    words = (
        nodes.select(
            "node",
            "born",
            "street",
            "house_number",
            "postal_code",
            pl.concat_list(
                pl.col("given_words").fill_null([]), pl.col("family_words").fill_null([])
            ).alias("word"),
        )
        .explode("word")
        .with_columns(pl.col("word").str.slice(0, 3))
        .drop_nulls("word")
        .unique()
    )  # fmt: skip
    sound = first_family.str.replace_all(r"[aeiouyhw]", "")
    return {
        "email": _key(nodes, "email"),
        "phone": _key(nodes, "phone"),
        "tax_id": _key(nodes, "tax_id"),
        "loyalty_id": _key(nodes, "loyalty_id"),
        "mailbox": _key(nodes.filter(pl.col("mailbox").str.len_chars() >= 6), "mailbox"),
        "name": _key(nodes, low, high),
        "name and postal code": _key(nodes, low, high, "postal_code"),
        "sound, initial and postal code": _key(nodes, sound, first_given.str.slice(0, 1), "postal_code"),
        "birth date and word": _key(words, "born", "word"),
        "street and word": _key(words, "street", "word"),
        "house and word": _key(words, "house_number", "postal_code", "word"),
    }


def _key(frame: pl.DataFrame, *parts: str | pl.Expr) -> pl.DataFrame:
    known = [pl.col(part) if isinstance(part, str) else part for part in parts]
    return frame.select("node", pl.concat_str(known, separator="|").alias("key")).drop_nulls("key")
