"""Rows of the forgotten, and expired ones, that are delivered again: they leave no values, and are counted.

What a person said, and what they are, goes; facts stay under an anonymous key where `privacy.keep_facts` is true. The landed
file is written anew without them, so that it brings nobody back. Who is forgotten stands in `clientela.warehouse.tombstones`,
what expired in `clientela.load.expired`.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from clientela import durable
from clientela.contracts import ENTITIES
from clientela.errors import DeliveryError
from clientela.extract.feed import Feed
from clientela.extract.mapped_columns import names_by_column
from clientela.extract.open_file import open_file
from clientela.extract.parameters import Parameters
from clientela.extract.personal_keys import DECISION_KEYS, RECORD_KEY, hashed_columns
from clientela.extract.readers import Opened
from clientela.extract.readers.rewritten import (
    EXPIRED_ROWS,
    FORGOTTEN_ROWS,
    LEFT_OUT_LINES,
    MIDNIGHT,
    REASON,
    ROW,
    SUFFIX,
    TEXT,
)
from clientela.load import staging
from clientela.load.context import LoadContext
from clientela.load.expired import find_expired_lines
from clientela.load.landing import DeliveredFile
from clientela.sql.quoting import literal, quoted
from clientela.sql.surrogate_key import surrogate_key
from clientela.warehouse import tombstones
from clientela.warehouse.expiries import Expiry, expiry_of

#: the reference table whose rows name two customers by their keys
DECISIONS = "identity_decisions"


def without_gone(context: LoadContext, files: Sequence[DeliveredFile]) -> list[DeliveredFile]:
    """The files, each that holds rows of the forgotten or expired ones written anew, and gone as it came."""
    expiry = expiry_of(context.connection, context.feed.source_name, context.feed.entity.name)
    if context.feed.is_of_guests or not (tombstones.are_there(context.connection) or expiry):
        return list(files)
    found = []
    for file in files:
        new, _ = let_go_in_file(context, file)
        if new is not None and new != file.landed:
            file.landed.unlink(missing_ok=True)
        found.append(file if new is None else replace(file, landed=new))
    return found


def let_go_in_file(
    context: LoadContext, file: DeliveredFile, values: Sequence[str] = (), *, is_expiry: bool = False
) -> tuple[Path | None, list[int]]:
    """Write a landed file anew if it holds rows of the forgotten or expired ones; gives the new file, None if it holds none, and
    their rows.

    The file of before stays. `values`: what no line that cannot be read may hold any more. A file that cannot be read at all
    stays as it is. `is_expiry`: as `find_expired_lines` has it.
    """
    connection, feed = context.connection, context.feed
    column = _column_of(feed.entity.name)
    expiry = expiry_of(connection, feed.source_name, feed.entity.name)
    is_of_persons = column is not None or feed.entity.name == DECISIONS
    if not (is_of_persons or expiry) or not file.landed.is_file():
        return None, []
    context.scratch_folder.mkdir(parents=True, exist_ok=True)
    settings = feed.settings.model_copy(update={"control_totals": None})
    seen = replace(context, feed=replace(feed, settings=settings)).with_warehouse_key()
    try:
        _, columns = staging.extract(seen, [file])
        _find_forgotten_lines(connection, feed.entity.name)
        _find_forgotten_texts(seen, columns)
        find_expired_lines(seen, expiry, is_expiry=is_expiry)
        lines = connection.execute(
            """
            select source_row from forgotten_lines union select source_row from expired_lines
            union select source_row from expired_values union select source_row from forgotten_texts
            """
        ).fetchall()
        is_unreadable = any(
            connection.execute("select 1 from unreadable where contains(text, ?) limit 1", [value]).fetchall()
            for value in values
        )
        if _is_over(feed, file, expiry):
            is_unreadable = is_unreadable or bool(
                connection.execute("select 1 from unreadable where text <> '' limit 1").fetchall()
            )
    except DeliveryError:
        return None, []
    finally:
        staging.drop(seen)
    if not lines and not is_unreadable:
        return None, []
    reading = context.scratch_folder / "rewriting"
    shutil.rmtree(reading, ignore_errors=True)
    reading.mkdir()
    try:
        return _write(seen, file, reading, values, expiry), [line for (line,) in lines]
    finally:
        shutil.rmtree(reading, ignore_errors=True)


def _find_forgotten_lines(connection: duckdb.DuckDBPyConnection, entity: str) -> None:
    """Make the temporary table `forgotten_lines` of the staged rows: those of the forgotten, with their anonymous key."""
    column = _column_of(entity)
    if (column is None and entity != DECISIONS) or not tombstones.are_there(connection):
        connection.execute("create or replace temp table forgotten_lines (source_row bigint, anonymous_key varchar)")
        return
    numbers = (
        [surrogate_key(f"staged_rows.{owner}", f"staged_rows.{name}") for name, owner in DECISION_KEYS.items()]
        if column is None
        else [f"staged_rows.{column}"]
    )
    named = " union all ".join(f"select source_row, {number} as record_id from staged_rows" for number in numbers)
    connection.execute(f"create or replace temp table named_records as {named}")
    tombstones.find_forgotten(connection, "named_records", ["record_id"])
    connection.execute(
        """
        create or replace temp table forgotten_lines as
        select source_row, any_value(anonymous_key) as anonymous_key
        from named_records inner join forgotten_records using (record_id)
        group by source_row
        """
    )


def _find_forgotten_texts(context: LoadContext, columns: Sequence[str]) -> None:
    """Make the temporary table `forgotten_texts` of the lines that cannot be read, yet bear the key of somebody forgotten where
    such a file's lines have it. A key may be too short to be looked for anywhere else in a text."""
    connection, feed = context.connection, context.feed
    connection.execute("create or replace temp table forgotten_texts (source_row bigint)")
    is_customer = feed.entity.name == "customers"
    named = (
        feed.settings.key[0]
        if is_customer and len(feed.settings.key) == 1
        else feed.settings.columns.get("customer_key")
    )
    places = [
        place for place, name in enumerate(columns, 1) if isinstance(named, str) and name.lower() == named.lower()
    ]
    if feed.settings.format not in (None, "csv") or not places or not tombstones.are_there(connection):
        return
    parameters = Parameters()
    parts = f"string_split(text, {parameters.bind(feed.settings.csv.delimiter)})"
    key = f"nullif(trim({parts}[{places[0]}], {parameters.bind(f' {feed.settings.csv.quote}')}), '')"
    if (RECORD_KEY if is_customer else "customer_key") in hashed_columns(feed.config, feed.source_name, feed.name):
        key = feed.key_hash.sql(key, parameters.bind)
    number = surrogate_key(parameters.bind(feed.id_space("customers")), key)
    statement = (
        f"create or replace temp table named_in_texts as select source_row, {number} as record_id from unreadable"
    )
    connection.execute(statement, parameters.used_in(statement))
    tombstones.find_forgotten(connection, "named_in_texts", ["record_id"])
    connection.execute(
        "insert into forgotten_texts select source_row from named_in_texts semi join forgotten_records using (record_id)"
    )


def _is_over(feed: Feed, file: DeliveredFile, expiry: Expiry) -> bool:
    """Whether a line that cannot be read is over too: it is as old as its file."""
    if expiry.rows_before is None or file.landed_at is None:
        return False
    return file.landed_at.astimezone(feed.config.zone).date() < expiry.rows_before


def remove_originals(landing: Path) -> list[Path]:
    """Remove the landed files that were written anew; gives what went."""
    gone = []
    for path in landing.glob(f"*/*/*{SUFFIX}"):
        original = path.with_name(path.name.removesuffix(SUFFIX))
        if original.is_file():
            original.unlink()
            gone.append(original)
    return gone


def _write(context: LoadContext, file: DeliveredFile, reading: Path, values: Sequence[str], expiry: Expiry) -> Path:
    connection, feed = context.connection, context.feed
    parameters = Parameters()
    opened = open_file(connection, feed, file.landed, parameters, reading)

    def take(opened: Opened, parameters: Parameters) -> int:
        statement = f"create or replace temp table delivered_again as select * from {opened.delivery.relation}"
        connection.execute(statement, parameters.used_in(statement))
        return int(connection.execute("select count(*) from delivered_again").fetchall()[0][0])

    opened, parameters, _ = staging.take_all(opened, parameters, take)
    delivery = opened.delivery
    row = delivery.row_number or "null"
    kept, customer = _kept_columns(connection, feed, list(delivery.columns))
    over = _columns_of_values(connection, feed, expiry)
    columns = []
    for name in delivery.columns:
        sql = f"delivered.{quoted(name)}"
        if name in customer:
            # a number cannot hold the anonymous key, so the column becomes text
            chosen = f"case when lines.source_row is null then cast({sql} as varchar) else lines.anonymous_key end"
        else:
            chosen = f"case when lines.source_row is null then {sql} {f'else {sql} ' if name in kept else ''}end"
        if column := over.get(name.lower()):
            chosen = f"case when list_contains(emptied.columns, {literal(column)}) then null else {chosen} end"
        columns.append(f"{chosen} as {quoted(name)}")
    goes = _goes(feed)
    numbered = f"(select *, {row} as {ROW} from delivered_again)"
    wanted = "where expired.source_row is null" + (" and lines.source_row is null" if goes else "")
    connection.execute(
        f"""
        create or replace temp table rewritten as
        select {", ".join(columns)}, delivered.{ROW}, null::varchar as {TEXT}, null::varchar as {REASON}
        from {numbered} as delivered
        left join forgotten_lines as lines on delivered.{ROW} = lines.source_row
        left join expired_lines as expired on delivered.{ROW} = expired.source_row
        left join expired_values as emptied on delivered.{ROW} = emptied.source_row
        {wanted}
        order by delivered.{ROW}
        """
    )
    if opened.unreadable is not None:
        unreadable = (
            f"insert into rewritten ({ROW}, {TEXT}, {REASON}) select source_row, text, reason from {opened.unreadable}"
        )
        connection.execute(unreadable, parameters.used_in(unreadable))
        for value in values:
            connection.execute(f"update rewritten set {TEXT} = '' where contains({TEXT}, ?)", [value])
        connection.execute(
            f"update rewritten set {TEXT} = '' where {TEXT} is not null and {ROW} in (select source_row from forgotten_texts)"
        )
        if _is_over(feed, file, expiry):
            connection.execute(f"update rewritten set {TEXT} = '' where {TEXT} is not null")
    forgotten, expired = connection.execute(
        """
        select
            (select count(*) from forgotten_lines where source_row not in (select source_row from expired_lines)),
            (select count(*) from expired_lines)
        """
    ).fetchall()[0]
    forgotten = (forgotten if goes else 0) + gone_before(file.landed, FORGOTTEN_ROWS)
    expired += gone_before(file.landed, EXPIRED_ROWS)
    facts = {
        FORGOTTEN_ROWS: str(forgotten), EXPIRED_ROWS: str(expired), LEFT_OUT_LINES: str(opened.left_out_lines),
        MIDNIGHT: str(int(delivery.is_midnight_a_day)),
    }  # fmt: skip
    stem = file.landed.name.removesuffix(SUFFIX)
    target = file.landed.with_name(f"{stem}{SUFFIX}")
    aside = target.with_name(f".{os.getpid()}.part")
    metadata = ", ".join(f"{name}: {literal(value)}" for name, value in facts.items())
    connection.execute(f"copy rewritten to {literal(str(aside))} (format parquet, kv_metadata {{{metadata}}})")
    stat = file.landed.stat()
    os.utime(aside, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    durable.switch_in(aside, target)
    for name in (
        "rewritten",
        "delivered_again",
        "forgotten_lines",
        "expired_lines",
        "expired_values",
        "forgotten_texts",
    ):
        connection.execute(f"drop table if exists {name}")
    return target


def gone_before(landed: Path, kind: str) -> int:
    """Rows that went from a landed file when it was written anew before; `kind` is what the file calls their number."""
    if not landed.name.endswith(SUFFIX):
        return 0
    with pq.ParquetFile(landed) as file:
        return int((file.metadata.metadata or {}).get(kind.encode(), b"0"))


def _column_of(entity: str) -> str | None:
    """The column of staged rows that holds the number of a customer's record; None where rows are nobody's."""
    if entity == "customers":
        return "record_id"
    return "customer_record_id" if "customer_key" in ENTITIES[entity] else None


def _goes(feed: Feed) -> bool:
    """Whether rows of the forgotten go whole."""
    return feed.entity.name in (*tombstones.SAID_BY_PERSONS, DECISIONS) or not feed.config.privacy.keep_facts


def _kept_columns(connection: duckdb.DuckDBPyConnection, feed: Feed, delivered: list[str]) -> tuple[set[str], set[str]]:
    """(the delivered columns that facts need and that say nothing of the person, those that are the customer's key)."""
    entity = feed.entity
    named = {
        column: {name.lower() for name in names} for column, names in names_by_column(connection, feed.settings).items()
    }
    said = {
        name
        for column, names in named.items()
        for name in names
        if column and (column not in entity or entity[column].personal)
    }
    customer = named.get("customer_key", set())
    needed = {
        name for column, names in named.items() if column in entity and not entity[column].personal for name in names
    }
    needed |= named.get("", set())
    return (
        {name for name in delivered if name.lower() in needed - said - customer},
        {name for name in delivered if name.lower() in customer},
    )


def _columns_of_values(connection: duckdb.DuckDBPyConnection, feed: Feed, expiry: Expiry) -> dict[str, str]:
    """Delivered column, in lower case → the expiring column that it alone is for."""
    if not expiry.values_before:
        return {}
    named = {
        column: {name.lower() for name in names} for column, names in names_by_column(connection, feed.settings).items()
    }
    named["attributes"] = {name.lower() for name in (feed.settings.attributes or {}).values()}
    return {
        name: column
        for column in expiry.values_before
        for name in named.get(column, set())
        if all(name not in names for other, names in named.items() if other != column)
    }
