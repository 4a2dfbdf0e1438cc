"""Tables of the warehouse as Parquet that another engine reads, and what it made as tables of the warehouse.

A table is a folder `SCHEMA/NAME` below the lake, written by one side and read by the other. The lake is of one run: it is empty
when a run begins and gone when it ends, so that nothing of a person stays in it. Which engine reads it does not matter here.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

import duckdb

from clientela.sql.quoting import literal, quoted

#: rows of a file, so that several workers read a table at once
FILE_ROWS = 1_000_000


class Lake:
    """The folder of one run's tables."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    def open(self) -> None:
        """Begin with nothing: what a killed run left is not this run's."""
        self.close()
        self.folder.mkdir(parents=True, mode=0o700)

    def close(self) -> None:
        """Take everything away."""
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def path(self, schema: str, name: str) -> Path:
        """Where the files of a table lie."""
        return self.folder / schema / name

    def write(self, connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> Path:
        """Copy a table or view of the warehouse into the lake, in place of what was there."""
        path = self.path(schema, name)
        if path.exists():
            shutil.rmtree(path)
        path.mkdir(parents=True)
        table = f"{quoted(schema)}.{quoted(name)}"
        is_view = bool(
            connection.execute(
                "select 1 from duckdb_views() where database_name = current_database() and schema_name = ? and view_name = ?",
                [schema, name],
            ).fetchall()
        )
        last = 0
        if not is_view:
            ((last,),) = connection.execute(f"select coalesce(max(rowid), 0) from {table}").fetchall()
        # Parquet has no integer of 128 bits: it would be a double
        columns = ", ".join(
            f"cast({quoted(column)} as bigint) as {quoted(column)}" if sql_type == "HUGEINT" else quoted(column)
            for column, sql_type, *_ in connection.execute(f"describe {table}").fetchall()
        )
        for number, first in enumerate(range(0, last + 1, FILE_ROWS)):
            part = "" if is_view else f" where rowid between {first} and {first + FILE_ROWS - 1}"
            connection.execute(
                f"copy (select {columns} from {table}{part}) "
                f"to {literal(str(path / f'part-{number:05}.parquet'))} (format parquet, compression zstd)"
            )
        return path

    def read(
        self, connection: duckdb.DuckDBPyConnection, schema: str, name: str, columns: Sequence[tuple[str, str]]
    ) -> None:
        """Make a table of the warehouse out of what the engine wrote, with these columns and types where they are stated."""
        files = sorted(str(path) for path in self.path(schema, name).glob("*.parquet"))
        chosen = ", ".join(f"cast({quoted(column)} as {sql_type}) as {quoted(column)}" for column, sql_type in columns)
        listed = ", ".join(literal(file) for file in files)
        connection.execute(
            f"create table {quoted(schema)}.{quoted(name)} as select {chosen or '*'} from read_parquet([{listed}])"
        )
