"""The candidate batch: the new files of one feed, typed, in temporary tables of the warehouse's connection.

Made here: `candidate` (every row that could be parsed, with its faults), `unreadable` (those that could not),
`batch_files`, `odd_rows` (rows that are not to be loaded, and why) and the
view `gated` (what expectations judge). All are temporary: a killed run leaves none. Nothing loaded is changed here.
"""

import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import duckdb

from clientela.config import Format, bytes_of
from clientela.errors import DeliveryError, is_of_the_machine, unreadable
from clientela.extract.column_names import shown_names
from clientela.extract.mapping import (
    FILE_DATE,
    LONGEST,
    RATES,
    Feed,
    candidate_select,
    formats_of_columns,
    named_columns,
)
from clientela.extract.readers import Opened
from clientela.extract.readers.csv import open_csv
from clientela.extract.readers.excel import open_excel
from clientela.extract.readers.fixed import open_fixed
from clientela.extract.readers.json import open_json
from clientela.extract.readers.parquet import open_parquet
from clientela.extract.readers.text import as_utf8
from clientela.extract.typing import TEXT, Parameters, blank_to_null, number
from clientela.load.inbox import InboxFile, look, opened
from clientela.load.landing import DeliveredFile, land
from clientela.masking import shape, without_values
from clientela.warehouse import literal, quoted

#: a file's ending → its format; .txt may be anything, and is CSV where nothing else is said
FORMATS = {
    ".csv": "csv", ".txt": "csv", ".tsv": "csv", ".json": "json", ".jsonl": "json_lines", ".ndjson": "json_lines",
    ".xlsx": "excel", ".xlsm": "excel", ".xlsb": "excel", ".xls": "excel", ".ods": "excel",
    ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
#: the batches that a new one is compared with, as a temporary view: those loaded, unless second thoughts say otherwise
IN_FORCE = "batches_in_force"
#: where the candidate of large files lies: in a temporary table about 15 bytes a row could not be spilled
STORE = "candidate_store"
#: a candidate takes about this many times the bytes of its files, and of packed ones
TIMES, TIMES_PACKED = 4, 30
#: keys that are looked at together for those that stand twice
KEYS_AT_ONCE = 4_000_000
COMPRESSED = (".gz", ".gzip", ".zst", ".zstd")


@dataclass(frozen=True)
class Candidate:
    """What the candidate holds. Rows: `delivered` = in `candidate` + `unreadable`."""

    delivered: int
    quarantined: int
    unchanged: int
    #: no column and no file date orders the versions: a later batch wins
    is_batch_ordered: bool
    #: rows whose key is not known, so that a snapshot cannot tell what vanished
    keyless: int
    #: the columns that the newest file delivered
    columns: tuple[str, ...]


def see_loaded(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the view of the batches in force, unless it was made otherwise."""
    connection.execute(
        f"create temp view if not exists {IN_FORCE} as select batch_id from ledger.loads where status = 'loaded'"
    )


def prepare_rates(connection: duckdb.DuckDBPyConnection) -> None:
    """The exchange rates in force, for the mappings of this run."""
    see_loaded(connection)
    connection.execute(
        f"""
        create or replace temp table {RATES} as
        select currency as rate_currency, valid_from, rate from raw.exchange_rates
        where batch_id in (select batch_id from {IN_FORCE})
        qualify row_number() over (partition by record_id order by version desc, content_hash desc) = 1 and not is_deleted
        """
    )


def build(
    connection: duckdb.DuckDBPyConnection, feed: Feed, files: Sequence[DeliveredFile], scratch: Path
) -> Candidate:
    """Extract the files into the temporary tables. DeliveryError refuses the batch; ConfigError stops the run."""
    drop(connection, scratch)
    _make_tables(connection)
    _make_store(connection, files, scratch)
    control = _control_totals(connection, feed, scratch)
    delivered = 0
    columns: tuple[str, ...] = ()
    for index, file in enumerate(files):
        try:
            rows, columns = _extract(connection, feed, index, file, scratch)
        except DeliveryError as error:
            raise DeliveryError(f"{file.name}: {error.sentence}") from error
        except duckdb.Error as error:
            if is_of_the_machine(error):
                raise
            raise DeliveryError(f"{file.name} cannot be read: {without_values(str(error).splitlines()[0])}") from error
        except UnicodeError as error:
            raise DeliveryError(f"{file.name} is not written in {feed.settings.encoding}") from error
        except OSError as error:
            if is_of_the_machine(error, feed.config.data):
                raise
            raise DeliveryError(unreadable(error, file.name)) from error
        version_at = file_date(feed, file.name)
        rows_stated, sum_stated = control.get(file.name, (None, None))
        if feed.settings.control_totals and file.name not in control:
            raise DeliveryError(f"{file.name}: the control totals do not speak of it")
        connection.execute(
            """
            insert into batch_files
            select ?, ?, ?, ?, ?, ?, epoch_us(cast(? as timestamptz)), ?, ?, ?, ?,
                (select sum(control_amount) from candidate where file_index = ?), ?, ?
            """,
            [
                index,
                file.name,
                file.content_sha256,
                file.bytes,
                file.landed.name,
                str(file.path),
                version_at,
                version_at,
                rows,
                rows_stated,
                sum_stated,
                index,
                file.place,
                file.landed_at,
            ],
        )
        delivered += rows
    is_batch_ordered = _is_batch_ordered(feed)
    _find_odd_rows(connection, feed, is_batch_ordered)
    connection.execute(
        """
        create or replace temp view gated as
        select * from candidate
        where faults is null and rowid not in (select row_id from odd_rows where fate = 'quarantined')
        """
    )
    counted = connection.execute(
        """
        select
            (select count(*) from candidate where faults is not null)
            + (select count(*) from odd_rows where fate = 'quarantined') + (select count(*) from unreadable),
            (select count(*) from odd_rows where fate = 'unchanged'),
            (select count(*) from candidate where record_id is null) + (select count(*) from unreadable)
        """
    ).fetchall()[0]
    return Candidate(delivered, counted[0], counted[1], is_batch_ordered, counted[2], columns)


def _make_tables(connection: duckdb.DuckDBPyConnection) -> None:
    see_loaded(connection)
    for name, columns in {
        "batch_files": "file_index integer, file_name varchar, content_sha256 varchar, bytes bigint, landed_as varchar, "
        "path varchar, version bigint, version_at timestamptz, delivered_rows bigint, control_rows bigint, "
        "control_sum decimal(18,4), delivered_sum decimal(38,4), place bigint, landed_at timestamptz",
        "unreadable": "file_index integer, source_row bigint, text varchar, reason varchar",
        "odd_rows": "row_id bigint, fate varchar, reason varchar",
    }.items():
        connection.execute(f"create or replace temp table {name} ({columns})")


def kind_of(feed: Feed, path: Path) -> str:
    """The file's format: as configured, or else as its ending tells, compression aside."""
    if feed.settings.database is not None:
        return "parquet"
    if feed.settings.format is None and feed.settings.fixed is not None:
        return "fixed"
    suffixes = [suffix for suffix in path.suffixes if suffix.lower() not in COMPRESSED]
    kind = feed.settings.format or FORMATS.get(suffixes[-1].lower() if suffixes else "")
    if kind is None:
        raise DeliveryError(
            f"its name does not tell its format; mend `files`, or write {feed.where}.format: one of {', '.join(get_args(Format))}"
        )
    return kind


def open_file(
    connection: duckdb.DuckDBPyConnection, feed: Feed, path: Path, parameters: Parameters, scratch: Path
) -> Opened:
    """The file as a relation, by the reader of its kind; `scratch` is an empty folder of its own."""
    settings, style = feed.settings, feed.source.decimal_style
    allowed = feed.config.inbox.allowed_bytes(path.stat().st_size)
    memory = bytes_of(feed.config.limits.memory)
    match kind_of(feed, path):
        case "parquet":
            return open_parquet(connection, path, parameters, allowed)
        case "excel":
            return open_excel(
                connection, path, settings.excel, parameters, scratch, style, formats_of_columns(feed), allowed, memory
            )
        case "fixed":
            assert settings.fixed is not None
            return open_fixed(path, settings.fixed, parameters, scratch, settings.encoding, allowed)
        case "json" | "json_lines" as kind:
            return open_json(
                connection, path, settings.json_format, parameters, scratch, is_lines=kind == "json_lines",
                encoding=settings.encoding, decimal_style=style, wanted=named_columns(connection, settings),
                allowed=allowed,
            )  # fmt: skip
    return open_csv(connection, path, settings.csv, parameters, scratch, settings.encoding, allowed)


def _extract(
    connection: duckdb.DuckDBPyConnection, feed: Feed, index: int, file: DeliveredFile, scratch: Path
) -> tuple[int, tuple[str, ...]]:
    """Insert one file's rows; gives how many it delivered, parsed or not, and its columns. No row goes unaccounted for."""
    reading = scratch / "reading"
    shutil.rmtree(reading, ignore_errors=True)
    reading.mkdir(parents=True)
    try:
        parameters = Parameters()
        opened = open_file(connection, feed, file.landed, parameters, reading)
        try:
            parsed = _insert(connection, feed, index, file, opened, parameters)
        except duckdb.Error as error:
            if opened.carefully is None or is_of_the_machine(error):
                raise
            parsed = -1
        if opened.carefully is not None and parsed != opened.expected_rows:
            _delete(connection, index)
            parameters = Parameters()
            opened = opened.carefully(parameters)
            parsed = _insert(connection, feed, index, file, opened, parameters)
        if opened.expected_rows not in (None, parsed):
            raise DeliveryError(f"it states {opened.expected_rows} rows and {parsed} came out; nothing of it is loaded")
        if opened.unreadable is None:
            return parsed, shown_names([*opened.delivery.columns])
        statement = (
            f"insert into unreadable select {parameters.bind(index)}, source_row, left(text, {LONGEST}), reason "
            f"from {opened.unreadable}"
        )
        unreadable = connection.execute(statement, parameters.used_in(statement)).fetchall()[0][0]
        return parsed + int(unreadable), shown_names([*opened.delivery.columns])
    finally:
        shutil.rmtree(reading, ignore_errors=True)


def _delete(connection: duckdb.DuckDBPyConnection, index: int) -> None:
    """Take back what a file gave."""
    if _has_candidate(connection):
        connection.execute("delete from candidate where file_index = ?", [index])


def _has_candidate(connection: duckdb.DuckDBPyConnection) -> bool:
    found = connection.execute(
        "select count(*) from duckdb_tables() where (temporary or database_name = ?) and table_name = 'candidate'",
        [STORE],
    ).fetchall()
    return bool(found[0][0])


def _has_store(connection: duckdb.DuckDBPyConnection) -> bool:
    found = connection.execute("select count(*) from duckdb_databases() where database_name = ?", [STORE]).fetchall()
    return bool(found[0][0])


def _make_store(connection: duckdb.DuckDBPyConnection, files: Sequence[DeliveredFile], scratch: Path) -> None:
    """A file for a candidate that would not fit into half of the memory allowed, seen as if it were in the warehouse."""
    limit = connection.execute("select current_setting('memory_limit')").fetchall()[0][0]
    size, unit = limit.split()
    allowed = float(size) * 1024 ** ["bytes", "KiB", "MiB", "GiB", "TiB"].index(unit)
    packed = (*COMPRESSED, ".parquet", ".pq", ".xlsx", ".xlsb")
    wanted = sum(f.bytes * (TIMES_PACKED if f.name.lower().endswith(packed) else TIMES) for f in files)
    if wanted > allowed / 2:
        connection.execute(f"attach {literal(str(scratch / STORE))} as {STORE}")
        connection.execute(f"set search_path = 'main,{STORE}.main'")


def drop(connection: duckdb.DuckDBPyConnection, scratch: Path) -> None:
    """Let the candidate go, and its file if it has one."""
    connection.execute("drop view if exists gated")
    if _has_store(connection):
        connection.execute("reset search_path")
        connection.execute(f"detach {STORE}")
    else:
        connection.execute("drop table if exists candidate")
    for leftover in (scratch / STORE, scratch / f"{STORE}.wal"):
        leftover.unlink(missing_ok=True)


def _insert(
    connection: duckdb.DuckDBPyConnection,
    feed: Feed,
    index: int,
    file: DeliveredFile,
    opened: Opened,
    parameters: Parameters,
) -> int:
    """Type the file's rows into the candidate; gives how many there were."""
    delivery = opened.delivery
    if delivery.is_put_aside:
        aside = f"create or replace temp table put_aside as select * from {delivery.relation}"
        connection.execute(aside, parameters.used_in(aside))
        delivery = replace(delivery, relation="put_aside", is_put_aside=False)
    select = candidate_select(connection, feed, delivery, file.name, parameters, file.landed_at)
    file_index = parameters.bind(index)
    create = f"create table {STORE}.candidate as" if _has_store(connection) else "create temp table candidate as"
    into = "insert into candidate" if _has_candidate(connection) else create
    statement = f"{into} select cast({file_index} as integer) as file_index, * from ({select})"
    connection.execute(statement, parameters.used_in(statement))
    connection.execute("drop table if exists put_aside")
    counted = connection.execute("select count(*) from candidate where file_index = ?", [index]).fetchall()
    return int(counted[0][0])


def _is_batch_ordered(feed: Feed) -> bool:
    declared = feed.settings.version_by
    is_snapshot = feed.settings.delivery == "snapshot"
    return declared is None and (is_snapshot or "updated_at" not in feed.settings.columns)


def file_date(feed: Feed, name: str) -> datetime | None:
    """The date in the file's name, where versions are ordered by it."""
    declared = feed.settings.version_by or ""
    if not declared.startswith(FILE_DATE):
        return None
    pattern = declared.removeprefix(FILE_DATE).strip()
    match = re.search(pattern, name)
    digits = re.sub(r"\D", "", "".join(match.groups("") or (match[0],))) if match else ""
    for form in ("%Y%m%d", "%Y%m%d%H%M%S", "%Y%m%d%H%M"):
        try:
            return datetime.strptime(digits, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise DeliveryError(f"its name holds no date where version_by looks for it ({pattern})")


def _control_totals(
    connection: duckdb.DuckDBPyConnection, feed: Feed, scratch: Path
) -> dict[str, tuple[int | None, Decimal | None]]:
    """File name → (rows, sum) as the source states them, in its decimal style. DeliveryError for what is no number."""
    settings = feed.settings.control_totals
    if settings is None:
        return {}
    style = feed.source.decimal_style
    columns = [quoted(settings.file_column)]
    for column, target in ((settings.rows_column, "bigint"), (settings.sum_column, "decimal(18,4)")):
        text = blank_to_null(quoted(column), TEXT) if column else "cast(null as varchar)"
        columns += [text, number(text, style, target)]
    totals: dict[str, tuple[int | None, Decimal | None]] = {}
    for path in look(feed.config, [settings.files]).trusted():
        rows = _rows_of_totals(connection, feed, path, ", ".join(columns), scratch)
        for line, (name, rows_told, rows_stated, sum_told, sum_stated) in enumerate(rows, 1):
            for column, told, stated, called in (
                (settings.rows_column, rows_told, rows_stated, "a whole number"),
                (settings.sum_column, sum_told, sum_stated, f"a number with a decimal {style}"),
            ):
                if told is not None and stated is None:
                    raise DeliveryError(
                        f"control totals {path.name}: {column} is not {called} in row {line} behind the header; it looks like "
                        f"{shape(told)!r} (9 for a digit, a for a letter)"
                    )
            totals[str(name).strip()] = (rows_stated, sum_stated)
    return totals


def _rows_of_totals(
    connection: duckdb.DuckDBPyConnection, feed: Feed, file: InboxFile, columns: str, scratch: Path
) -> list[tuple[Any, ...]]:
    """The lines of a file with totals, read from a copy as every delivered file is."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        try:
            with opened(file) as source:
                landed = land(source, file.path, Path(folder)).landed
            plain = as_utf8(landed, "utf-8", Path(folder), feed.config.inbox.allowed_bytes(landed.stat().st_size))
            query = f"select {columns} from read_csv(?, all_varchar = true, header = true)"
            return connection.execute(query, [str(plain)]).fetchall()
        except DeliveryError as error:
            raise DeliveryError(f"control totals {file.name}: {error.sentence}") from error
        except duckdb.Error as error:
            if is_of_the_machine(error):
                raise
            column = feed.settings.control_totals.file_column if feed.settings.control_totals else ""
            said = without_values(str(error).splitlines()[0].replace(str(plain), file.name), {column}.__contains__)
            raise DeliveryError(f"control totals {file.name}: {said}") from error


def _find_odd_rows(connection: duckdb.DuckDBPyConnection, feed: Feed, is_batch_ordered: bool) -> None:
    """Rows that conflict within their file, and rows that say what is known already."""
    connection.execute("create or replace temp table repeated (record_id bigint)")
    rows = connection.execute("select count(*) from candidate").fetchall()[0][0]
    shares = rows // KEYS_AT_ONCE + 1
    for share in range(shares):
        of_share = f"and record_id % {shares} = {share}" if shares > 1 else ""
        connection.execute(
            f"""
            insert into repeated
            select record_id from candidate where faults is null {of_share} group by record_id having count(*) > 1
            """
        )
    connection.execute(
        """
        insert into odd_rows
        select rowid, 'quarantined', 'the key stands ' || repeats || ' times in this file, with different content'
        from (
            select
                rowid,
                count(*) over same_key as repeats,
                min(content_hash) over same_key <> max(content_hash) over same_key as is_conflict
            from candidate where faults is null and record_id in (select record_id from repeated)
            window same_key as (partition by record_id, file_index, version)
        ) where is_conflict
        """
    )
    connection.execute(
        """
        create or replace temp view versioned as
        select
            candidate.rowid as row_id, record_id, file_index, content_hash, faults,
            coalesce(candidate.version, files.version) as version
        from candidate join batch_files as files using (file_index)
        """
    )
    same = "record_id" if is_batch_ordered else "record_id, version, content_hash"
    connection.execute(
        f"""
        insert into odd_rows
        select row_id, 'unchanged', null
        from (
            select
                row_id, content_hash,
                lag(content_hash) over (partition by {same} order by version nulls first, file_index, row_id) as previous
            from versioned
            where faults is null and record_id in (select record_id from repeated)
                and row_id not in (select row_id from odd_rows)
        ) where content_hash = previous
        """
    )
    visible = f"""(
        select record_id, version, content_hash, is_deleted from raw.{quoted(feed.entity.name)}
        where source = $source and batch_id in (select batch_id from {IN_FORCE})
            and record_id in (select record_id from candidate)
    )"""
    if is_batch_ordered or feed.settings.delivery == "snapshot":
        # what the record was just before: with a file's date a late file looks back to its own day, not to the newest
        known = f"""(
            select record_id, content_hash from {visible}
            where version <= (select coalesce(max(version), max(place), {2**62}) from batch_files)
            qualify row_number() over (partition by record_id order by version desc, content_hash desc) = 1 and not is_deleted
        )"""
        is_known = "known.content_hash = versioned.content_hash"
        if is_batch_ordered:
            is_known += " and record_id not in (select record_id from repeated)"
    else:
        known = visible
        is_known = "known.content_hash = versioned.content_hash and known.version = versioned.version"
    connection.execute(
        f"""
        insert into odd_rows
        select distinct row_id, 'unchanged', null
        from versioned join {known} as known using (record_id)
        where faults is null and {is_known} and row_id not in (select row_id from odd_rows)
        """,
        {"source": feed.source_name},
    )
