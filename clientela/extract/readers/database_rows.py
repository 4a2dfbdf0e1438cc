"""What every database reader shares: how a table is asked for its rows, and how they become a Parquet file.

Only columns that are asked for are read, each in a form that Arrow can hold. How a system is reached stands in `adbc_database`
and `sqlalchemy_database`, which columns and rows are wanted in `database`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from clientela.config.sources import DatabaseSource
from clientela.sql.quoting import quoted

#: rows of one row group of the landing file, whatever the driver's batches are
ROWS = 100_000
#: exact numbers are kept with this many digits before and behind the point
EXACT = pa.decimal128(38, 10)
#: the kind of a column that holds bytes
BYTES = "bytes"


class Database(ABC):
    """An open connection, and how this system writes a few things."""

    is_sqlite = False
    #: where a value is bound, and the condition that a text does not begin with an ISO date
    placeholder, not_iso, text_type = "?", "", "text"

    def __init__(self, connection: Any, settings: DatabaseSource, decimal_style: str) -> None:
        self.connection, self.settings, self.decimal_style = connection, settings, decimal_style

    @property
    def name(self) -> str:
        return self.settings.table or "query"

    @property
    def rows(self) -> str:
        """What to read, as a relation."""
        if self.settings.table:
            return ".".join(self.quoted(part) for part in self.settings.table.split("."))
        return f"(\n{(self.settings.query or '').strip().rstrip(';')}\n) delivered"

    def quoted(self, name: str) -> str:
        """The identifier as this system writes it."""
        return quoted(name)

    @abstractmethod
    def columns(self) -> list[tuple[str, str]]:
        """Every column with the system's name of its type, BYTES for bytes, empty where it has none."""

    @abstractmethod
    def tables(self) -> dict[str, bool]:
        """The names of all tables and views that may be read, as `table:` takes them, and whether each is a view."""

    @abstractmethod
    def read(self, kinds: dict[str, str], rest: str, value: object) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """The columns of the rows that `rest` (a condition and an order) leaves; `value` is what it binds."""

    def newer(self, column: str, since: object) -> str:
        """The condition that a row is not known to be below `since`.

        Where `since` is text, rows whose watermark does not begin with an ISO date are among them.
        """
        name = self.quoted(column)
        text = f"cast({name} as {self.text_type})" if isinstance(since, str) else name
        condition = f" where {text} >= {self.placeholder} or {name} is null"
        return condition + (f" or {text} {self.not_iso}" if isinstance(since, str) else "")


def write(schema: pa.Schema, batches: Iterator[pa.RecordBatch], into: Path) -> int:
    """Write the batches in row groups of one size; gives how many rows there are."""
    rows = 0
    held: list[pa.RecordBatch] = []
    with pq.ParquetWriter(into, schema, compression="zstd") as writer:
        for batch in batches:
            held.append(batch)
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


def hexadecimal(value: bytes) -> str:
    """Bytes as text, as PostgreSQL writes them: equal bytes are equal keys."""
    return f"\\x{value.hex()}"


def text_of(value: bytes) -> str:
    """The text that the bytes are in UTF-8, or else their digits."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return hexadecimal(value)


def readable(column: pa.Array) -> pa.Array:
    """A column of text, whatever bytes the database keeps in it."""
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return pa.array([value if value is None else text_of(value) for value in column.to_pylist()], pa.string())
    if pa.types.is_string(column.type):
        try:
            column.validate(full=True)
        except pa.ArrowInvalid:
            return readable(column.view(pa.binary()))
    return column
