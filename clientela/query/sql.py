"""Asking the published file in SQL, read-only, as an analyst or a BI tool would."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import duckdb

from clientela import stopping
from clientela.config.company import Config
from clientela.errors import ClientelaError
from clientela.publish import MARTS_FILE
from clientela.warehouse.faults import damaged, is_damage

TABLES = """
    select schema_name || '.' || table_name as "table", estimated_size as rows, comment as description
    from duckdb_tables() where database_name = current_database() order by 1
"""


def ask(
    config: Config, query: str | None, as_of: date | None = None, limit: int = 0
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """(column names, rows) of the query, or of the list of tables. Files and settings are out of its reach."""
    with reading_published(config, as_of) as connection:
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        answer = connection.execute(query or TABLES)
        columns = [description[0] for description in answer.description or []]
        return columns, (answer.fetchmany(limit) if limit else answer.fetchall())


@contextmanager
def reading_published(config: Config, as_of: date | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published file, or that of a past day. Raises ClientelaError if there is none, for a query that is wrong, and for
    a file that is damaged, with what writes it anew."""
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
        raise ClientelaError(str(error).strip()) from error
    finally:
        connection.close()
