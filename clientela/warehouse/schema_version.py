"""Which version of the layout a warehouse, or the copy of its memory, has, and whether this code can work with it.

One number for both, raised by each change that `clientela.warehouse.upgrade_steps` has a step for. It is kept in
`ledger.schema_version` and `memory.schema_version`, a row for each version that the file has had; the copy of memory holds
it too. What is published has none: anyone reads it, and the next run makes it anew.
"""

from pathlib import Path

import duckdb

from clientela.errors import ClientelaError
from clientela.sql.quoting import quoted
from clientela.warehouse.transactions import transaction

SCHEMA_VERSION = 2
#: what 0.1 made, which bears no number
FIRST_VERSION = 1
#: the table in schemas `ledger` and `memory`
VERSION_COLUMNS = "version integer not null, made_at timestamptz not null"


def version_of(connection: duckdb.DuckDBPyConnection, database: str | None = None) -> int | None:
    """The version of the warehouse that is open, or attached as `database`; None where nothing was made in it yet."""
    name = database or connection.execute("select current_database()").fetchall()[0][0]
    tables = {
        table
        for (table,) in connection.execute(
            "select table_name from duckdb_tables() where database_name = ? and schema_name = 'ledger'", [name]
        ).fetchall()
    }
    if "schema_version" in tables:
        return int(
            connection.execute(f"select max(version) from {quoted(name)}.ledger.schema_version").fetchall()[0][0]
        )
    return FIRST_VERSION if "runs" in tables else None


def version_of_copy(connection: duckdb.DuckDBPyConnection, folder: Path) -> int | None:
    """The version of the copy of memory in the folder; None where there is none."""
    path = folder / "schema_version.parquet"
    if path.is_file():
        return int(connection.execute("select max(version) from read_parquet(?)", [str(path)]).fetchall()[0][0])
    return FIRST_VERSION if (folder / "customer_registry.parquet").is_file() else None


def begin_with_present(connection: duckdb.DuckDBPyConnection) -> None:
    """Let a warehouse that holds nothing yet be of the present version: before its other tables, so that one whose making
    is cut off is not taken for one of 0.1."""
    if version_of(connection) is None:
        with transaction(connection):
            connection.execute("create schema if not exists ledger")
            connection.execute(f"create table ledger.schema_version ({VERSION_COLUMNS})")
            connection.execute("insert into ledger.schema_version values (?, now())", [SCHEMA_VERSION])


def require_known(version: int | None, what: Path) -> None:
    """Raise ClientelaError for what a later version of clientela made."""
    if version is not None and version > SCHEMA_VERSION:
        raise ClientelaError(
            f"{what} has schema version {version}, and this clientela knows none after {SCHEMA_VERSION}; install the "
            "clientela that made it, or a later one. Nothing was touched."
        )


def require_present(connection: duckdb.DuckDBPyConnection, warehouse: Path, copy: Path) -> None:
    """Raise ClientelaError unless the open warehouse has the version that this code works with, or none yet; the copy of its
    memory, which a publication writes anew, may be an earlier one."""
    version = version_of(connection)
    require_known(version, warehouse)
    require_known(version_of_copy(connection, copy), copy)
    if version is not None and version < SCHEMA_VERSION:
        raise ClientelaError(
            f"{warehouse} has schema version {version}, and this clientela works with {SCHEMA_VERSION}; run "
            "`clientela upgrade`, which keeps ids and history. Nothing was touched."
        )
