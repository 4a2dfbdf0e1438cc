"""Querying the published file in SQL, read-only, as an analyst or a BI tool would. How answers are shown is not here."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from clientela import stopping
from clientela.config.company import Config
from clientela.errors import ClientelaError, ConfigError, QueryError, is_resource_error
from clientela.publish import MARTS_FILE
from clientela.warehouse.faults import damaged, is_damage

TABLES = """
    select schema_name || '.' || table_name as "table", estimated_size as rows, comment as description
    from duckdb_tables() where database_name = current_database() order by 1
"""


@dataclass(frozen=True)
class Answer:
    """The first rows that a query gives, with its columns and their DuckDB types. `is_cut`: there are more."""

    columns: list[str]
    types: list[str]
    rows: list[tuple[Any, ...]]
    is_cut: bool = False


def query_published(
    config: Config, query: str | None, as_of: date | None = None, limit: int = 0
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """(column names, rows) of the query, or of the list of tables. Files and settings are out of its reach."""
    answer = answer_of(config, query, as_of, limit)
    return answer.columns, answer.rows


def answer_of(config: Config, query: str | None, as_of: date | None = None, limit: int = 0) -> Answer:
    """The answer to the query, or the list of tables; its first `limit` rows, or all for 0."""
    with asking_published(config, as_of) as connection:
        result = connection.execute(query or TABLES)
        described = result.description or []
        rows = result.fetchmany(limit + 1) if limit else result.fetchall()
        return Answer(
            [column[0] for column in described],
            [str(column[1]) for column in described],
            rows[:limit] if limit else rows,
            bool(limit) and len(rows) > limit,
        )


def write_parquet(config: Config, query: str | None, file: Path, as_of: date | None = None) -> int:
    """Write the whole answer to a Parquet file, which must not exist yet; gives its number of rows."""
    if file.exists():
        raise ConfigError(f"{file} is there already; name another file, or move it away.")
    with asking_published(config, as_of) as connection, duckdb.connect() as writer:
        answer = connection.sql(query or TABLES)
        if answer is None:
            raise QueryError("The query gives no rows that could be written.")
        # the connection that is asked reaches no files
        writer.register("answer", answer.to_arrow_reader())
        try:
            return int(writer.execute("copy answer to ? (format parquet)", [str(file)]).fetchall()[0][0])
        except duckdb.IOException as error:
            raise ConfigError(f"{file} cannot be written: {str(error).splitlines()[0]}") from error


@contextmanager
def asking_published(config: Config, as_of: date | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published file, with no way to other files or to the settings."""
    with reading_published(config, as_of) as connection:
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        yield connection


@contextmanager
def reading_published(config: Config, as_of: date | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published file, or that of a past day.

    Raises QueryError for a query that is wrong, ClientelaError if nothing is published, and for a file that is damaged, with
    what writes it anew.
    """
    folder = config.published / "as_of" / as_of.isoformat() if as_of else config.published
    path = folder / MARTS_FILE
    again = f"run --as-of {as_of}" if as_of else "publish"
    if not path.is_file():
        raise ClientelaError(f"Nothing is published yet at {path}; `clientela {again if as_of else 'run'}` does.")
    try:
        connection = duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        raise ClientelaError(damaged(path, error, f"`clientela {again}` writes it anew.")) from error
    try:
        with stopping.interrupting(connection.interrupt):
            yield connection
    except duckdb.Error as error:
        if is_damage(error):
            raise ClientelaError(damaged(path, error, f"`clientela {again}` writes it anew.")) from error
        if isinstance(error, duckdb.InterruptException) or is_resource_error(error):
            raise ClientelaError(str(error).strip()) from error
        sentence, _, details = str(error).strip().partition("\n")
        raise QueryError(f"The query cannot be answered: {sentence}", details.strip("\n")) from error
    finally:
        connection.close()
