"""MySQL, MariaDB and any other system that SQLAlchemy has a driver for: rows come as Python values.

MySQL and MariaDB tell what a column holds, and are tested. Of others only what SQL has in common is used, and what a column holds
is told by its values, in all of its rows. What a system calls read-only and one instant is asked of those that have it; nothing
is ever committed.
"""

import decimal
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import sqlalchemy

from clientela.config.sources import DatabaseSource
from clientela.errors import DeliveryError
from clientela.extract.readers.database_rows import BYTES, EXACT, Database, hexadecimal

#: rows that a driver hands over at once
_ROWS = 10_000
_OF_MYSQL = (
    "set session transaction isolation level repeatable read",
    # TIMESTAMP is an instant there, told in the session's zone
    "set time_zone = '+00:00'",
    "start transaction with consistent snapshot, read only",
)
#: what makes a transaction read only, and see one instant, by SQLAlchemy's name of the system
_READ_ONLY: dict[str, tuple[str, ...]] = {
    "mysql": _OF_MYSQL,
    "mariadb": _OF_MYSQL,
    "postgresql": ("set transaction isolation level repeatable read, read only",),
    "oracle": ("set transaction read only",),
}
#: type codes of MySQL's protocol, and its number for bytes among the sets of letters
_KINDS = {
    **dict.fromkeys((1, 2, 3, 9, 13), "integer"), 8: "integer", 4: "float", 5: "float", 0: "decimal", 246: "decimal", 10: "date",
    14: "date", 12: "datetime", 7: "timestamp", 16: "bit",
}  # fmt: skip
_LONG, _UNSIGNED, _BINARY = 8, 32, 63
#: hours and minutes, which come with the number for bytes
_TIMES = (11,)
_TYPES = {
    "integer": pa.int64(), "unsigned": pa.decimal128(20, 0), "bit": pa.decimal128(20, 0), "float": pa.float64(), "decimal": EXACT,
    "date": pa.date32(), "datetime": pa.timestamp("us"), "timestamp": pa.timestamp("us", "UTC"), "text": pa.string(),
    BYTES: pa.string(),
}  # fmt: skip


class SqlalchemyDatabase(Database):
    """A connection of SQLAlchemy, whatever system is behind it."""

    placeholder, not_iso, text_type = ":since", "not like '____-__-__%'", "varchar(100)"

    def __init__(self, connection: sqlalchemy.Connection, settings: DatabaseSource, decimal_style: str) -> None:
        super().__init__(connection, settings, decimal_style)
        self.is_mysql = connection.dialect.name in ("mysql", "mariadb")
        if self.is_mysql:
            self.not_iso, self.text_type = "not regexp '^[0-9]{4}-[0-9]{2}-[0-9]{2}'", "char"
        for statement in _READ_ONLY.get(connection.dialect.name, ()):
            connection.exec_driver_sql(statement)

    def quoted(self, name: str) -> str:
        return str(self.connection.dialect.identifier_preparer.quote_identifier(name))

    def columns(self) -> list[tuple[str, str]]:
        with self._executed(f"select * from {self._asked} where 1 = 0", None) as result:
            cursor = result.cursor
            assert cursor is not None
            fields = getattr(getattr(cursor, "_result", None), "fields", None) or [None] * len(cursor.description)
            return [
                (described[0], self._kind(described[1], field))
                for described, field in zip(cursor.description, fields, strict=True)
            ]

    def _kind(self, code: Any, field: Any) -> str:
        if not self.is_mysql:
            return ""
        if code == _LONG and getattr(field, "flags", _UNSIGNED) & _UNSIGNED:
            return "unsigned"
        return _KINDS.get(code) or (
            BYTES if getattr(field, "charsetnr", None) == _BINARY and code not in _TIMES else "text"
        )

    def tables(self) -> dict[str, bool]:
        inspector = sqlalchemy.inspect(self.connection)
        views = set(inspector.get_view_names())
        return {name: name in views for name in sorted({*inspector.get_table_names(), *views})}

    def read(self, kinds: dict[str, str], rest: str, value: object) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        if self.is_mysql and isinstance(value, datetime) and value.tzinfo is not None:
            value = value.astimezone(UTC).replace(tzinfo=None)
        selected = ", ".join(self.quoted(name) for name in kinds)
        sql = f"select {selected} from {self._asked}{rest}"

        def rows() -> Iterator[list[list[Any]]]:
            with self._executed(sql, value) as result:
                for part in result.partitions(_ROWS):
                    yield [
                        [_as_read(v, kind) for v in column]
                        for column, kind in zip(zip(*part, strict=True), kinds.values(), strict=True)
                    ]

        return _batches(kinds, rows)

    @property
    def _asked(self) -> str:
        # a colon would be the name of a value
        return self.rows.replace(":", "\\:")

    def _executed(self, sql: str, value: object) -> Any:
        streamed = self.connection.execution_options(stream_results=True)
        return streamed.execute(sqlalchemy.text(sql), {"since": value} if value is not None else {})


def _as_read(value: Any, kind: str) -> Any:
    """The value as it is kept: an instant has its zone, bits are a number, bytes are text, a date that is none is no value."""
    if isinstance(value, bytes | bytearray | memoryview):
        return int.from_bytes(value, "big") if kind == "bit" else hexadecimal(bytes(value))
    if kind == "timestamp" and isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    # MySQL has days such as 0000-00-00 and 2025-02-00, which come as text
    return None if kind in ("date", "datetime", "timestamp") and isinstance(value, str) else value


def _batches(
    kinds: Mapping[str, str], rows: Callable[[], Iterator[list[list[Any]]]]
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Batches of one schema. What the system does not tell of a column is looked for in all rows: a late one may be other."""
    types = [_TYPES.get(kind, pa.null()) for kind in kinds.values()]
    if pa.null() in types:
        for columns in rows():
            types = [_common(kind, _kind_of(column)) for kind, column in zip(types, columns, strict=True)]
    typed = [(name, pa.string() if kind == pa.null() else kind) for name, kind in zip(kinds, types, strict=True)]
    schema = pa.schema(typed)

    def batches() -> Iterator[pa.RecordBatch]:
        for columns in rows():
            arrays = [_array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            yield pa.record_batch(arrays, schema=schema)

    return schema, batches()


def _kind_of(values: Sequence[Any]) -> pa.DataType:
    found = {type(value) for value in values} - {type(None)}
    if not found:
        return pa.null()
    if found == {bool}:
        return pa.bool_()
    if found <= {int, bool}:
        return pa.int64() if all(v is None or -(2**63) <= v < 2**63 for v in values) else pa.string()
    if found <= {int, bool, float}:
        return pa.float64()
    if found <= {int, bool, Decimal}:
        return EXACT
    if found == {datetime}:
        zoned = {value.tzinfo is not None for value in values if value is not None}
        return pa.timestamp("us", "UTC") if zoned == {True} else pa.timestamp("us") if zoned == {False} else pa.string()
    return pa.date32() if found == {date} else pa.string()


def _common(first: pa.DataType, second: pa.DataType) -> pa.DataType:
    """The kind that both fit into."""
    if first == second or second == pa.null():
        return first
    if first == pa.null():
        return second
    both = {first, second}
    return next((kind for kind in (pa.float64(), EXACT) if both == {pa.int64(), kind}), pa.string())


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    try:
        if kind == pa.string():
            return pa.array([None if value is None else _text(value) for value in values], kind)
        if kind == EXACT:
            return pa.array([None if value is None else _exact(value) for value in values], kind)
        return pa.array(values, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        raise DeliveryError("the table changed while it was read; it is taken when it holds still") from None


def _exact(value: Decimal | int) -> Decimal | None:
    """The number with as many digits as are kept; none where it has more before the point, or is no number."""
    with decimal.localcontext(prec=38):
        try:
            return Decimal(value).quantize(Decimal("1e-10"))
        except decimal.InvalidOperation:
            return None


def _text(value: Any) -> str:
    if isinstance(value, timedelta):
        minutes, seconds = divmod(int(abs(value).total_seconds()), 60)
        return f"{'-' * (value < timedelta(0))}{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, bool):
        return str(value).lower()
    # a lone surrogate, as a driver makes of bytes that are no text, is none of UTF-8
    return re.sub("[\ud800-\udfff]", "\ufffd", str(value))
