"""Distinct evidence: records that say the same about a person become one node, so that work is done once.

Belongs here: nodes, and the columns that comparing needs on top of the normalised ones. Does not belong here: pairs.

A node is named by a keyed hash of what it says. Names of nodes are therefore the same in every run with the same key,
and a cache of scored pairs of nodes holds ids and hashes, never a name.
"""

from __future__ import annotations

import duckdb
import polars as pl

from clientela.identity import names

EVIDENCE = (
    "given", "family", "generation", "email", "phone", "tax_id", "is_tax_id_valid", "loyalty_id", "birth_date",
    "street", "postal_code", "city", "country",
)  # fmt: skip


def nodes_of(records: pl.DataFrame, key: str = "") -> tuple[pl.DataFrame, pl.DataFrame]:
    """(nodes, members) of normalised records.

    `nodes`: one row per distinct evidence that could link to something: node, the normalised columns and their parts.
    `members`: (record_id, node) for every record.
    """
    with duckdb.connect(":memory:", config={"threads": 2}) as connection:
        connection.register("records", records.to_arrow())
        connection.register("kept_apart", pl.DataFrame(schema={"record_id": pl.Int64}).to_arrow())
        connection.execute(f"create table named as {named_sql('records', 'kept_apart')}", {"key": key})
        nodes = connection.sql(f"{nodes_sql('named')} order by node").pl()
        return with_parts(nodes), connection.sql("select record_id, node from named").pl()


def named_sql(records: str, kept_apart: str) -> str:
    """SQL that gives normalised records their `node`, and tells whether it `can_link` to another. Parameter: `$key`.

    Records that say the same are one node. Those that say too little to be told from a namesake stay a node each, and so
    do those of `kept_apart` (record_id), of whom someone decided that they are not somebody else. `is_by_home_alone`: they
    say nothing of the person's own, and relatives of one name would say the same.
    """
    said = f"concat_ws(chr(31), {', '.join(f'coalesce(cast({name} as varchar), chr(0))' for name in EVIDENCE)})"
    strong = "coalesce(email, tax_id, loyalty_id) is not null"
    # what a record of its own says is part of its name too: a name of a node never outlives a change
    return f"""
        select record_id, {", ".join(EVIDENCE)}, mailbox,
            {strong} or phone is not null
                or (coalesce(given, family) is not null
                    and (birth_date is not null or coalesce(street, postal_code) is not null)) as can_link,
            {strong} or (
                given is not null and family is not null
                and (phone is not null or birth_date is not null
                    or (street is not null and coalesce(postal_code, city) is not null))
            ) as is_identifying,
            not {strong} and birth_date is null as is_by_home_alone,
            case when is_identifying and not is_apart then ''
                else 'record' || chr(31) || record_id || chr(31) end as own,
            cast(md5_number_lower($key || chr(30) || own || {said}) >> 1 as bigint) as node
        from (select *, record_id in (select record_id from {kept_apart}) as is_apart from {records})
        """


def nodes_sql(named: str) -> str:
    """SQL for the nodes among named records: node, `EVIDENCE` and mailbox, as its first record says them."""
    return f"""
        select node, {", ".join(EVIDENCE)}, mailbox from {named}
        where record_id in (select min(record_id) from {named} where can_link group by node)
        """


def with_parts(nodes: pl.DataFrame) -> pl.DataFrame:
    """Add to (node, EVIDENCE, mailbox) the parts of names, dates and addresses that comparing needs."""
    written = _ways_of_writing(nodes["given"].drop_nulls().unique())
    return nodes.join(written, on="given", how="left", maintain_order="left").with_columns(
        pl.col("is_tax_id_valid").fill_null(False),
        pl.col("given").str.split(" ").alias("given_words"),
        pl.col("family").str.split(" ").alias("family_words"),
        pl.col("family").str.split(" ").list.first().alias("family_first"),
        pl.col("birth_date").dt.to_string("%Y%m%d").alias("born"),
        pl.col("phone").str.replace(r"^\+", "").alias("phone_digits"),
    )


def _ways_of_writing(given: pl.Series) -> pl.DataFrame:
    """(given, given_forms, given_initials): how each first name may have been written (see `names.forms`)."""
    keys = given.to_list()
    return pl.DataFrame(
        {
            "given": keys,
            "given_forms": [names.forms(key) for key in keys],
            "given_initials": [names.initials(key) for key in keys],
        },
        schema={"given": pl.String, "given_forms": pl.List(pl.String), "given_initials": pl.String},
    )


def blocking_keys_sql(nodes: str) -> str:
    """SQL for (key, node): nodes with a key in common meet. Together the rules let one badly written field pass.

    Rules `… word` use the beginning of each word of the name in turn, so that swapped, second and married names meet.
    """
    rules = {
        "email": ("email",),
        "phone": ("phone",),
        "tax_id": ("tax_id",),
        "loyalty_id": ("loyalty_id",),
        "mailbox": ("case when len(mailbox) >= 6 then mailbox end",),
        "name": ("low", "high"),
        "name and postal code": ("low", "high", "postal_code"),
        "sound, initial and postal code": ("translate(first_family, 'aeiouyhw', '')", "left(first_given, 1)", "postal_code"),
        "birth date and word": ("birth_date", "word"),
        "street and word": ("street", "word"),
        "house and word": ("house_number", "postal_code", "word"),
    }  # fmt: skip
    meeting = " union all ".join(
        f"select hash('{rule}', {', '.join(parts)}) as key, node from {'words' if 'word' in parts else 'named'} "
        f"where {' and '.join(f'{part} is not null' for part in parts)}"
        for rule, parts in rules.items()
    )
    beginnings = "list_transform(string_split(concat_ws(' ', given, family), ' '), lambda word: left(word, 3))"
    return f"""
        with
        named as (
            select *, split_part(given, ' ', 1) as first_given, split_part(family, ' ', 1) as first_family,
                least(first_given, first_family) as low, greatest(first_given, first_family) as high
            from {nodes}
        ),
        words as (
            select node, birth_date, street, postal_code,
                case when street >= '0' and street < ':' then split_part(street, ' ', 1) end as house_number,
                unnest(list_distinct({beginnings})) as word
            from {nodes} where coalesce(given, family) is not null
        )
        {meeting}
        """
