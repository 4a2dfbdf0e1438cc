"""An audience into a table of the company's own database, in one transaction with a line that says which run wrote it.

Belongs here: that table, and the line by which a run that was broken off is told from one that ended. Does not belong here: who
is in the audience (`clientela.pipeline.audience`), what memory makes of it (`clientela.pipeline.audience_writes`).

PostgreSQL is spoken to by ADBC, as where sources are read; every other system by SQLAlchemy.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy
from sqlalchemy.dialects import postgresql

from clientela.config.sources import DatabaseSource
from clientela.errors import DeliveryError
from clientela.extract.readers.database import connection_of, engine_of, is_postgresql, is_sqlite, sqlite_path
from clientela.relationship.settings import AudienceTable

#: the table beside it, with one line for each write
MARKS = "clientela_audience_writes"
_TYPES: dict[str, type[sqlalchemy.types.TypeEngine[Any]]] = {
    "BIGINT": sqlalchemy.BigInteger, "INTEGER": sqlalchemy.Integer, "DOUBLE": sqlalchemy.Double, "BOOLEAN": sqlalchemy.Boolean,
    "DATE": sqlalchemy.Date,
}  # fmt: skip

Row = Sequence[object]


class _Connection(Protocol):
    def create(self, table: sqlalchemy.Table) -> None: ...

    def columns(self, table: sqlalchemy.Table) -> list[str]: ...

    def insert(self, table: sqlalchemy.Table, rows: Sequence[Row]) -> None: ...

    def has_mark(self, table: sqlalchemy.Table, run_id: str) -> bool: ...

    def commit(self) -> None: ...


def require_table(settings: AudienceTable, folder: Path, columns: dict[str, str]) -> None:
    """Make the table where it is missing. Raises DeliveryError where its columns are others.

    columns: name → DuckDB type of what is written. folder: where relative paths of SQLite files start.
    """
    table, marks = _table(settings, columns), _marks(settings)
    with _opened(settings, folder) as connection:
        connection.create(marks)
        connection.create(table)
        connection.commit()
        found = connection.columns(table)
    if sorted(found) != sorted(columns):
        raise DeliveryError(
            f"the table {settings.table} of the database of {settings.connection_env} has the columns {', '.join(found)}, and "
            f"{', '.join(columns)} are asked for; name another table, or ask for its columns"
        )


def write_rows(
    settings: AudienceTable, folder: Path, columns: dict[str, str], rows: Sequence[Row], mark: tuple[str, str, datetime]
) -> None:
    """All of them and the mark, or nothing. mark: run_id, campaign key, when."""
    with _opened(settings, folder) as connection:
        connection.insert(_table(settings, columns), rows)
        connection.insert(_marks(settings), [(mark[0], mark[1], mark[2].isoformat())])
        connection.commit()


def was_written(settings: AudienceTable, folder: Path, run_id: str) -> bool:
    """Whether the run's rows are there, or were."""
    with _opened(settings, folder) as connection:
        return connection.has_mark(_marks(settings), run_id)


def _table(settings: AudienceTable, columns: dict[str, str]) -> sqlalchemy.Table:
    schema, _, name = settings.table.rpartition(".")
    return sqlalchemy.Table(
        name,
        sqlalchemy.MetaData(),
        *(sqlalchemy.Column(column, _type_of(kind)) for column, kind in columns.items()),
        schema=schema or None,
        quote=True,
    )


def _type_of(kind: str) -> Any:
    if kind.startswith("DECIMAL"):
        return sqlalchemy.Numeric(18, 4, asdecimal=False)
    return _TYPES.get(kind, sqlalchemy.Text)()


def _marks(settings: AudienceTable) -> sqlalchemy.Table:
    schema, _, _ = settings.table.rpartition(".")
    columns = (sqlalchemy.Column(name, sqlalchemy.String(200)) for name in ("run_id", "campaign_key", "written_at"))
    return sqlalchemy.Table(MARKS, sqlalchemy.MetaData(), *columns, schema=schema or None)


@contextmanager
def _opened(settings: AudienceTable, folder: Path) -> Iterator[_Connection]:
    """The database within a transaction, which nothing of is kept without `commit`."""
    source = DatabaseSource(connection_env=settings.connection_env, table=settings.table)
    with connection_of(source) as url:
        if is_postgresql(url):
            import adbc_driver_postgresql.dbapi as adbc

            with closing(adbc.connect(url)) as connection:
                yield _Postgresql(connection)
            return
        if is_sqlite(url):
            path = sqlite_path(url, folder)
            if not path.is_file():
                raise DeliveryError(f"{settings.connection_env} names an SQLite file that is not there")
            url = f"sqlite:///{path}"
        with engine_of(url, source).connect() as connection:
            yield _Sqlalchemy(connection)


class _Sqlalchemy:
    def __init__(self, connection: sqlalchemy.Connection) -> None:
        self._connection = connection

    def create(self, table: sqlalchemy.Table) -> None:
        table.create(self._connection, checkfirst=True)

    def columns(self, table: sqlalchemy.Table) -> list[str]:
        found = sqlalchemy.inspect(self._connection).get_columns(table.name, schema=table.schema)
        return [str(column["name"]) for column in found]

    def insert(self, table: sqlalchemy.Table, rows: Sequence[Row]) -> None:
        names = [column.name for column in table.columns]
        self._connection.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in rows])

    def has_mark(self, table: sqlalchemy.Table, run_id: str) -> bool:
        if not sqlalchemy.inspect(self._connection).has_table(table.name, schema=table.schema):
            return False
        found = self._connection.execute(sqlalchemy.select(table.c.run_id).where(table.c.run_id == run_id)).first()
        return found is not None

    def commit(self) -> None:
        self._connection.commit()


class _Postgresql:
    """Values go as text that the server reads as the column's type: no driver's own conversion stands between."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._dialect = postgresql.dialect()  # type: ignore[no-untyped-call]

    def create(self, table: sqlalchemy.Table) -> None:
        statement = sqlalchemy.schema.CreateTable(table, if_not_exists=True)
        self._execute(str(statement.compile(dialect=self._dialect)))

    def columns(self, table: sqlalchemy.Table) -> list[str]:
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(f"select * from {self._named(table)} limit 0")
            return list(cursor.fetch_record_batch().schema.names)

    def insert(self, table: sqlalchemy.Table, rows: Sequence[Row]) -> None:
        preparer = self._dialect.identifier_preparer
        names = ", ".join(preparer.quote_identifier(column.name) for column in table.columns)
        marks = ", ".join(
            f"cast(cast(${number} as text) as {column.type.compile(self._dialect)})"
            for number, column in enumerate(table.columns, start=1)
        )
        with closing(self._connection.cursor()) as cursor:
            cursor.executemany(
                f"insert into {self._named(table)} ({names}) values ({marks})",
                [[_text(v) for v in row] for row in rows],
            )

    def has_mark(self, table: sqlalchemy.Table, run_id: str) -> bool:
        with closing(self._connection.cursor()) as cursor:
            cursor.execute("select to_regclass($1)::text", [self._named(table)])
            if cursor.fetchone()[0] is None:
                return False
            cursor.execute(f"select 1 from {self._named(table)} where run_id = $1", [run_id])
            return cursor.fetchone() is not None

    def commit(self) -> None:
        self._connection.commit()

    def _named(self, table: sqlalchemy.Table) -> str:
        return str(self._dialect.identifier_preparer.format_table(table))

    def _execute(self, sql: str) -> None:
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(sql)


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
