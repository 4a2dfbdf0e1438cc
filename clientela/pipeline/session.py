"""The DuckDB file that a run builds in, and its one connection: opened when it is needed, given up while dbt has the file."""

from pathlib import Path

import duckdb

from clientela.config.company import Config
from clientela.sql.quoting import literal
from clientela.warehouse import tables


class Session:
    """The company's warehouse, or for a while another file with the warehouse attached read-only."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._file = config.warehouse
        self._connection: duckdb.DuckDBPyConnection | None = None

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The connection to the file, opened when it is first asked for."""
        if self._connection is None:
            limits = self._config.limits
            self._connection = tables.connect(self._file, memory_limit=limits.duckdb_memory, threads=limits.threads)
            if self._file != self._config.warehouse:
                self._connection.execute(f"attach {literal(str(self._config.warehouse))} as warehouse (read_only)")
        return self._connection

    def build_in(self, file: Path) -> None:
        """Build in another file from here on, or in the warehouse again."""
        self.close()
        self._file = file

    def close(self) -> None:
        """Let go of the file, so that dbt can have it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def interrupt(self) -> None:
        """Break off the query that is under way."""
        if self._connection is not None:
            self._connection.interrupt()
