"""The warehouse as the last build left it, opened to be read between nights. Nothing is written."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from clientela import stopping
from clientela.config.company import Config
from clientela.errors import ClientelaError
from clientela.sql.quoting import literal
from clientela.warehouse.faults import explained
from clientela.warehouse.keys import confirmed_secret
from clientela.warehouse.schema_version import require_present


@contextmanager
def built_warehouse(config: Config) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection; raises ClientelaError where nothing was built yet."""
    if not config.warehouse.is_file():
        raise ClientelaError(f"{config.company} has no warehouse yet; `clientela run` makes it.")
    try:
        with (
            duckdb.connect(str(config.warehouse), read_only=True) as connection,
            stopping.interrupting(connection.interrupt),
        ):
            connection.execute("set timezone = 'UTC'")
            connection.execute(f"set temp_directory = {literal(str(config.data / 'spill'))}")
            require_present(connection, config.warehouse, config.memory)
            confirmed_secret(connection, config.data)
            require_built(connection, config)
            yield connection
    except duckdb.Error as error:
        raise explained(error, config) from error


def require_built(connection: duckdb.DuckDBPyConnection, config: Config) -> None:
    """Raise ClientelaError unless the models were built in the open warehouse."""
    if not connection.execute("select 1 from duckdb_tables() where table_name = 'int_orders'").fetchall():
        raise ClientelaError(f"Nothing was built yet for {config.company}; `clientela run` does.")
