"""Databases through ADBC: a table or query of PostgreSQL or SQLite, streamed into a Parquet file that is then the delivery.

So what was delivered is what was kept, and reading it again needs no database. The rows are ordered by their key: the
same rows give the same file. Text stays text, and numbers that the database keeps exactly stay exact. The connection
comes from an environment variable, and no sentence repeats any of it. Which rows are already known is not decided here.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clientela.config.company import Config
from clientela.config.sources import DatabaseSource
from clientela.errors import DeliveryError
from clientela.extract.column_names import missing_column, repeated_columns
from clientela.extras import require_extra
from clientela.masking import without_values
from clientela.sql.quoting import quoted

#: rows of one row group of the landing file, whatever the driver's batches are
ROWS = 100_000
#: PostgreSQL's types that come as they are; all others come as text
_PLAIN = {
    "bool",
    "int2",
    "int4",
    "int8",
    "float4",
    "float8",
    "text",
    "varchar",
    "bpchar",
    "date",
    "timestamp",
    "timestamptz",
}
#: exact numbers of PostgreSQL come with this many digits before and behind the point
_EXACT = pa.decimal128(38, 10)

_NOT_ISO_IN_POSTGRESQL = "!~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}'"
_NOT_ISO_IN_SQLITE = "not glob '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'"


@dataclass(frozen=True)
class Database:
    """An open connection, and how this database writes a few things."""

    connection: Any
    is_sqlite: bool
    settings: DatabaseSource
    #: what must not be told
    secrets: tuple[str, ...]
    decimal_style: str

    @property
    def name(self) -> str:
        return self.settings.table or "query"

    @property
    def rows(self) -> str:
        """What to read, as a relation."""
        if self.settings.table:
            return ".".join(quoted(part) for part in self.settings.table.split("."))
        return f"(\n{(self.settings.query or '').strip().rstrip(';')}\n) as delivered"


@contextmanager
def opened(settings: DatabaseSource, folder: Path, decimal_style: str) -> Iterator[Database]:
    """The database, for reading only and at one instant. `folder` is where relative paths of SQLite files start.

    Raises ConfigError if its driver is not installed, DeliveryError for whatever else keeps it closed.
    """
    url = os.environ.get(settings.connection_env)
    if not url:
        raise DeliveryError(
            f"the environment variable {settings.connection_env} is not set; it holds the connection, such as "
            "postgresql://user:password@host/database or sqlite:///path/to/file.db"
        )
    is_sqlite = _is_sqlite(url)
    secrets = _secrets(url)
    _require_driver(settings.connection_env, url)
    try:
        if is_sqlite:
            import adbc_driver_sqlite.dbapi as sqlite

            path = (folder / re.sub(r"^sqlite:(///)?", "", url)).resolve()
            if not path.is_file():
                raise DeliveryError(f"{settings.connection_env} names an SQLite file that is not there")
            connection = sqlite.connect(f"file:{quote(str(path))}?mode=ro")
        elif _is_postgresql(url):
            import adbc_driver_postgresql.dbapi as postgresql

            connection = postgresql.connect(url)
        else:
            raise DeliveryError(
                f"{settings.connection_env} begins with {url.split(':')[0]}://; PostgreSQL and SQLite are read directly, "
                "other databases by files that a tool such as dlt lands (docs/sources.md)"
            )
        with closing(connection):
            if not is_sqlite:
                _run(connection, "set transaction isolation level repeatable read, read only")
            yield Database(connection, is_sqlite, settings, secrets, decimal_style)
    except DeliveryError:
        raise
    except Exception as error:
        if not _is_adbc(error):
            raise
        raise DeliveryError(
            f"the database of {settings.connection_env} said: {_told(error, secrets, settings)}"
        ) from None


def require_drivers(config: Config) -> None:
    """Raise ConfigError if the driver of a database that the configuration names is not installed."""
    for source in config.sources.values():
        for entity in source.entities.values():
            if entity.database is not None and (url := os.environ.get(entity.database.connection_env)):
                _require_driver(entity.database.connection_env, url)


def _require_driver(connection_env: str, url: str) -> None:
    if _is_sqlite(url):
        require_extra("sqlite", f"The SQLite file of {connection_env}", "adbc_driver_sqlite")
    elif _is_postgresql(url):
        require_extra("postgres", f"The PostgreSQL database of {connection_env}", "adbc_driver_postgresql")


def _is_sqlite(url: str) -> bool:
    return url.startswith("sqlite:") or not re.match(r"[a-z+]+://|.*\b(host|dbname|service)=", url)


def _is_postgresql(url: str) -> bool:
    return not _is_sqlite(url) and (re.match(r"postgres(ql)?://", url) is not None or "://" not in url)


def _is_adbc(error: Exception) -> bool:
    return type(error).__module__.startswith("adbc_driver_manager")


def _secrets(url: str) -> tuple[str, ...]:
    """The parts of a connection that may be secret, longest first: a driver may repeat any piece of what it cannot read."""
    pieces = {url, *re.split(r"[/@:?&=\s]+", url)}
    pieces |= {unquote(piece) for piece in pieces}
    allowed = {"postgresql", "postgres", "sqlite", "host", "dbname", "user", "password", "port", "localhost"}
    return tuple(sorted((p for p in pieces if len(p) > 2 and p.lower() not in allowed), key=len, reverse=True))


def _told(error: Exception, secrets: Sequence[str], settings: DatabaseSource) -> str:
    """What the database said, without the connection and without what it quotes but for words of the configuration."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    sentence = " ".join(lines[:2])
    for secret in secrets:
        sentence = sentence.replace(secret, "…")
    named = " ".join((settings.table or "", settings.query or "", settings.watermark or ""))
    words = {*(settings.table or "").split(), *re.findall(r"\w+", named)}
    return without_values(sentence, words.__contains__)


def _run(connection: Any, sql: str, values: Sequence[object] | None = None) -> None:
    with closing(connection.cursor()) as cursor:
        cursor.execute(sql, values) if values else cursor.execute(sql)


def columns_of(database: Database) -> dict[str, str]:
    """Column → the database's name of its type, empty where it has none (SQLite)."""
    with closing(database.connection.cursor()) as cursor:
        cursor.execute(f"select * from {database.rows} limit 0")
        schema = cursor.fetch_record_batch().schema
    if repeated := repeated_columns(schema.names):
        raise DeliveryError(f"{database.name} gives columns {repeated} the same name")
    return {field.name: ((field.metadata or {}).get(b"POSTGRESQL:type") or b"").decode() for field in schema}


def fetch(database: Database, key: Sequence[str], since: object, into: Path) -> int:
    """Write the rows whose watermark is `since` or higher, or not set, into a Parquet file; gives how many.

    Where `since` is text, rows whose watermark does not begin with an ISO date are among them.
    """
    types = columns_of(database)
    by_lower = {name.lower(): name for name in types}
    watermark = database.settings.watermark
    order = [by_lower[name.lower()] for name in key if name.lower() in by_lower]
    if watermark is not None and watermark.lower() not in by_lower:
        told = missing_column(watermark, list(types), key)
        raise DeliveryError(f"{database.name}, where its watermark should be, has {told}")
    where, values = "", []
    if watermark is not None and since is not None:
        column = quoted(by_lower[watermark.lower()])
        if isinstance(since, str):
            column = f"cast({column} as text)"
        where = f" where {column} >= {'?' if database.is_sqlite else '$1'} or {column} is null"
        if isinstance(since, str):
            where += f" or {column} {_NOT_ISO_IN_SQLITE if database.is_sqlite else _NOT_ISO_IN_POSTGRESQL}"
        values = [since]
    kinds = _sqlite_kinds(database, types) if database.is_sqlite else {}
    selected = ", ".join(
        f"{_as_delivered(database, name, kind, kinds.get(name, set()))} as {quoted(name)}"
        for name, kind in types.items()
    )
    sql = f"select {selected} from {database.rows}{where}"
    if order:
        sql += f" order by {', '.join(quoted(name) for name in order)}"
    with closing(database.connection.cursor()) as cursor:
        cursor.execute(sql, values) if values else cursor.execute(sql)
        return _write(cursor.fetch_record_batch(), {n for n, kind in types.items() if kind == "numeric"}, into)


def _as_delivered(database: Database, name: str, kind: str, found: set[str]) -> str:
    column = quoted(name)
    if not database.is_sqlite:
        return column if kind in _PLAIN else f"cast({column} as text)"
    if found <= {"integer", "null"} and found != {"null"} and found:
        return f"cast({column} as integer)"
    if found <= {"integer", "real", "null"} and "real" in found:
        return f"cast({column} as real)"
    text = f"cast({column} as text)"
    if database.decimal_style == "comma":
        return f"case when typeof({column}) = 'real' then replace({text}, '.', ',') else {text} end"
    return text


def _sqlite_kinds(database: Database, types: dict[str, str]) -> dict[str, set[str]]:
    """Column → what its values are: SQLite types values, not columns."""
    each = ", ".join(f"group_concat(distinct typeof({quoted(name)}))" for name in types)
    with closing(database.connection.cursor()) as cursor:
        cursor.execute(f"select {each} from {database.rows}")
        row = cursor.fetchone()
    return {name: set((told or "").split(",")) - {""} for name, told in zip(types, row, strict=True)}


def _write(reader: pa.RecordBatchReader, exact: set[str], into: Path) -> int:
    schema = pa.schema([pa.field(f.name, _EXACT if f.name in exact else _stored(f.type)) for f in reader.schema])
    rows = 0
    held: list[pa.RecordBatch] = []
    with pq.ParquetWriter(into, schema, compression="zstd") as writer:
        for batch in reader:
            held.append(_stored_batch(batch, schema))
            while sum(len(part) for part in held) >= ROWS:
                table = pa.Table.from_batches(held, schema).combine_chunks()
                writer.write_table(table.slice(0, ROWS), row_group_size=ROWS)
                held = table.slice(ROWS).to_batches()
                rows += ROWS
        if held:
            table = pa.Table.from_batches(held, schema).combine_chunks()
            writer.write_table(table, row_group_size=ROWS)
            rows += len(table)
    return rows


def _stored(kind: pa.DataType) -> pa.DataType:
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _stored_batch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    arrays = []
    for column, field in zip(batch.columns, schema, strict=True):
        plain = column.storage if isinstance(column, pa.ExtensionArray) else column
        if plain.type != field.type and pa.types.is_decimal(field.type):
            is_number = pc.match_substring_regex(plain, r"^-?[0-9]{1,28}(\.[0-9]*)?$")
            plain = pc.cast(pc.if_else(is_number, plain, None), field.type, safe=False)
        arrays.append(plain)
    return pa.record_batch(arrays, schema=schema)
