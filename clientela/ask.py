"""Asking the published file in SQL, read-only, as an analyst or a BI tool would."""

from datetime import date
from typing import Any

import duckdb

from clientela.config import Config
from clientela.errors import ClientelaError
from clientela.publish import MARTS_FILE

TABLES = """
    select schema_name || '.' || table_name as "table", estimated_size as rows, comment as description
    from duckdb_tables() where database_name = current_database() order by 1
"""


def ask(
    config: Config, query: str | None, as_of: date | None = None, limit: int = 0
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """(column names, rows) of the query, or of the list of tables. Files and settings are out of its reach."""
    folder = config.published / "as_of" / as_of.isoformat() if as_of else config.published
    path = folder / MARTS_FILE
    if not path.is_file():
        hint = f" --as-of {as_of}" if as_of else ""
        raise ClientelaError(f"Nothing is published yet at {path}; `clientela run{hint}` does.")
    connection = duckdb.connect(str(path), read_only=True)
    try:
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        answer = connection.execute(query or TABLES)
        columns = [description[0] for description in answer.description or []]
        return columns, (answer.fetchmany(limit) if limit else answer.fetchall())
    except duckdb.Error as error:
        raise ClientelaError(str(error).strip()) from error
    finally:
        connection.close()
