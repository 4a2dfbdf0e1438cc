"""PostgreSQL and SQLite through ADBC: rows come in batches of Arrow. Text stays text, and exact numbers stay exact."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from clientela.extract.readers.database_rows import BYTES, EXACT, Database, readable

#: PostgreSQL's types that come as they are; all others come as text
_PLAIN = {
    "bool", "int2", "int4", "int8", "float4", "float8", "text", "varchar", "bpchar", "date", "timestamp", "timestamptz",
}  # fmt: skip


class _AdbcDatabase(Database):
    def columns(self) -> list[tuple[str, str]]:
        with closing(self.connection.cursor()) as cursor:
            cursor.execute(f"select * from {self.rows} limit 0")
            schema = cursor.fetch_record_batch().schema
        typed = [(field.name, ((field.metadata or {}).get(b"POSTGRESQL:type") or b"").decode()) for field in schema]
        return [(name, BYTES if kind == "bytea" else kind) for name, kind in typed]

    def _tables(self, sql: str) -> dict[str, bool]:
        with closing(self.connection.cursor()) as cursor:
            cursor.execute(sql)
            return {row[0]: bool(row[1]) for row in cursor.fetchall()}

    def _read(self, selected: str, rest: str, value: object, exact: set[str]) -> tuple[pa.Schema, Iterator[Any]]:
        # the cursor must outlive this call: its batches are read later
        cursor = self.connection.cursor()
        sql = f"select {selected} from {self.rows}{rest}"
        try:
            cursor.execute(sql, None if value is None else [value])
            reader = cursor.fetch_record_batch()
        except BaseException:
            cursor.close()
            raise
        schema = pa.schema([pa.field(f.name, EXACT if f.name in exact else _stored(f.type)) for f in reader.schema])

        def batches() -> Iterator[pa.RecordBatch]:
            with closing(cursor):
                for batch in reader:
                    yield _stored_batch(batch, schema)

        return schema, batches()


class PostgresqlDatabase(_AdbcDatabase):
    """A PostgreSQL database, within a transaction that reads alone."""

    placeholder, not_iso = "$1", "!~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}'"

    def tables(self) -> dict[str, bool]:
        return self._tables(
            "select case when table_schema = 'public' then '' else table_schema || '.' end || table_name, table_type = 'VIEW' "
            "from information_schema.tables where table_schema not in ('pg_catalog', 'information_schema') order by 1"
        )

    def read(self, kinds: dict[str, str], rest: str, value: object) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        selected = [
            f"{self.quoted(name)}" if kind in _PLAIN else f"cast({self.quoted(name)} as text) as {self.quoted(name)}"
            for name, kind in kinds.items()
        ]
        return self._read(", ".join(selected), rest, value, {name for name, kind in kinds.items() if kind == "numeric"})


class SqliteDatabase(_AdbcDatabase):
    """An SQLite file, opened for reading alone."""

    is_sqlite = True
    placeholder, not_iso = "?", "not glob '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'"

    def columns(self) -> list[tuple[str, str]]:
        """SQLite types values, not columns; one declared as bytes, and nothing else, is such."""
        if not self.settings.table:
            return super().columns()
        with closing(self.connection.cursor()) as cursor:
            cursor.execute(
                f"select name, type from pragma_table_xinfo({_literal(self.settings.table)}) where hidden <> 1"
            )
            declared = dict(cursor.fetchall())
        return [(name, BYTES if "BLOB" in (declared.get(name) or "").upper() else "") for name, _ in super().columns()]

    def tables(self) -> dict[str, bool]:
        return self._tables(
            "select name, type = 'view' from sqlite_master "
            "where type in ('table', 'view') and name not like 'sqlite_%' order by 1"
        )

    def read(self, kinds: dict[str, str], rest: str, value: object) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        found = self._found(list(kinds))
        selected = ", ".join(f"{self._as_delivered(name, found[name])} as {self.quoted(name)}" for name in kinds)
        return self._read(selected, rest, value, set())

    def _found(self, names: list[str]) -> dict[str, set[str]]:
        """Column → what its values are."""
        each = ", ".join(f"group_concat(distinct typeof({self.quoted(name)}))" for name in names)
        with closing(self.connection.cursor()) as cursor:
            cursor.execute(f"select {each} from {self.rows}")
            row = cursor.fetchone()
        return {name: set((members or "").split(",")) - {""} for name, members in zip(names, row, strict=True)}

    def _as_delivered(self, name: str, found: set[str]) -> str:
        column = self.quoted(name)
        if found <= {"integer", "null"} and found != {"null"} and found:
            return f"cast({column} as integer)"
        if found <= {"integer", "real", "null"} and "real" in found:
            return f"cast({column} as real)"
        text = f"cast({column} as text)"
        if self.decimal_style == "comma":
            text = f"case when typeof({column}) = 'real' then replace({text}, '.', ',') else {text} end"
        # bytes may be no text: they come as they are, and so does what stands beside them
        return f"cast({text} as blob)" if "blob" in found else text


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _stored(kind: pa.DataType) -> pa.DataType:
    plain = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
    return pa.string() if pa.types.is_binary(plain) or pa.types.is_large_binary(plain) else plain


def _stored_batch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    arrays = []
    for column, field in zip(batch.columns, schema, strict=True):
        plain = readable(column.storage if isinstance(column, pa.ExtensionArray) else column)
        if plain.type != field.type and pa.types.is_decimal(field.type):
            is_number = pc.match_substring_regex(plain, r"^-?[0-9]{1,28}(\.[0-9]*)?$")
            plain = pc.cast(pc.if_else(is_number, plain, None), field.type, safe=False)
        arrays.append(plain)
    return pa.record_batch(arrays, schema=schema)
