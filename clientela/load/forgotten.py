"""Rows of the forgotten that are delivered again: they leave no values, and are counted.

What a person said, and what they are, goes; facts stay under an anonymous key where `privacy.keep_facts` is true. The landed
file is written anew without them, so that it brings nobody back. Who is forgotten stands in `clientela.warehouse.tombstones`.
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
from clientela.extract.casting import Parameters
from clientela.extract.mapping import Feed, names_by_column
from clientela.extract.open_file import open_file
from clientela.extract.readers import Opened
from clientela.extract.readers.rewritten import FORGOTTEN_ROWS, LEFT_OUT_LINES, MIDNIGHT, REASON, ROW, SUFFIX, TEXT
from clientela.load import staging
from clientela.load.context import LoadContext
from clientela.load.landing import DeliveredFile
from clientela.sql.quoting import literal, quoted
from clientela.warehouse import tombstones


def without_forgotten(context: LoadContext, files: Sequence[DeliveredFile]) -> list[DeliveredFile]:
    """The files, each that holds rows of the forgotten written anew, and gone as it came."""
    if not tombstones.are_there(context.connection) or context.feed.is_of_guests:
        return list(files)
    found = []
    for file in files:
        new, _ = forget_in_file(context, file)
        if new is not None and new != file.landed:
            file.landed.unlink(missing_ok=True)
        found.append(file if new is None else replace(file, landed=new))
    return found


def forget_in_file(
    context: LoadContext, file: DeliveredFile, values: Sequence[str] = ()
) -> tuple[Path | None, list[int]]:
    """Write a landed file anew if it holds rows of the forgotten; gives the new file, None if it holds none, and their rows.

    The file of before stays. `values`: what no line that cannot be read may hold any more. A file that cannot be read at all
    stays as it is.
    """
    connection, feed = context.connection, context.feed
    column = _column_of(feed.entity.name)
    if column is None or not file.landed.is_file():
        return None, []
    context.scratch_folder.mkdir(parents=True, exist_ok=True)
    settings = feed.settings.model_copy(update={"control_totals": None})
    seen = replace(context, feed=replace(feed, settings=settings)).with_warehouse_key()
    try:
        staging.extract(seen, [file])
        tombstones.find_forgotten(connection, "staged_rows", [column])
        connection.execute(
            f"""
            create or replace temp table forgotten_lines as
            select source_row, any_value(anonymous_key) as anonymous_key
            from staged_rows inner join forgotten_records on staged_rows.{column} = forgotten_records.record_id
            group by source_row
            """
        )
        lines = [line for (line,) in connection.execute("select source_row from forgotten_lines").fetchall()]
        is_unreadable = any(
            connection.execute("select 1 from unreadable where contains(text, ?) limit 1", [value]).fetchall()
            for value in values
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
        return _write(seen, file, reading, values), lines
    finally:
        shutil.rmtree(reading, ignore_errors=True)


def remove_originals(landing: Path) -> list[Path]:
    """Remove the landed files that were written anew; gives what went."""
    gone = []
    for path in landing.glob(f"*/*/*{SUFFIX}"):
        original = path.with_name(path.name.removesuffix(SUFFIX))
        if original.is_file():
            original.unlink()
            gone.append(original)
    return gone


def _write(context: LoadContext, file: DeliveredFile, reading: Path, values: Sequence[str]) -> Path:
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
    columns = []
    for name in delivery.columns:
        sql = f"delivered.{quoted(name)}"
        if name in customer:
            # a number cannot hold the anonymous key, so the column becomes text
            chosen = f"case when lines.source_row is null then cast({sql} as varchar) else lines.anonymous_key end"
        else:
            chosen = f"case when lines.source_row is null then {sql} {f'else {sql} ' if name in kept else ''}end"
        columns.append(f"{chosen} as {quoted(name)}")
    goes = _goes(feed)
    numbered = f"(select *, {row} as {ROW} from delivered_again)"
    wanted = "where lines.source_row is null" if goes else ""
    connection.execute(
        f"""
        create or replace temp table rewritten as
        select {", ".join(columns)}, delivered.{ROW}, null::varchar as {TEXT}, null::varchar as {REASON}
        from {numbered} as delivered left join forgotten_lines as lines on delivered.{ROW} = lines.source_row {wanted}
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
    gone = connection.execute("select count(*) from forgotten_lines").fetchall()[0][0] if goes else 0
    before = forgotten_before(file.landed)
    facts = {
        FORGOTTEN_ROWS: str(gone + before), LEFT_OUT_LINES: str(opened.left_out_lines),
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
    for name in ("rewritten", "delivered_again", "forgotten_lines"):
        connection.execute(f"drop table if exists {name}")
    return target


def forgotten_before(landed: Path) -> int:
    """Rows that went from a landed file when it was written anew before."""
    if not landed.name.endswith(SUFFIX):
        return 0
    with pq.ParquetFile(landed) as file:
        return int((file.metadata.metadata or {}).get(FORGOTTEN_ROWS.encode(), b"0"))


def _column_of(entity: str) -> str | None:
    """The column of staged rows that holds the number of a customer's record; None where rows are nobody's."""
    if entity == "customers":
        return "record_id"
    return "customer_record_id" if "customer_key" in ENTITIES[entity] else None


def _goes(feed: Feed) -> bool:
    """Whether rows of the forgotten go whole."""
    return feed.entity.name in tombstones.SAID_BY_PERSONS or not feed.config.privacy.keep_facts


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
