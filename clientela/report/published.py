"""What is published, as rows: the queries of `queries/`, run on the file that was switched in, and on the one before it.

Nothing else of the report sees a connection. A query is shown in the report as it was run, so that whoever doubts a figure
asks for it themselves.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from clientela.publish import MARTS_FILE, VERSIONS
from clientela.sql.quoting import literal

QUERIES = Path(__file__).parent / "queries"
Row = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What a query gave, and its text with every parameter in its place."""

    rows: list[Row]
    query: str

    @property
    def first(self) -> Row:
        return self.rows[0]


class PublishedFile:
    """One published file under way of being read."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self._connection = connection
        self.path = path
        self.parameters: dict[str, str] = {}
        self.marts = {
            f"{schema}.{table}"
            for schema, table in connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        }

    def ask(self, name: str) -> Answer:
        """The rows of `queries/NAME.sql`."""
        text = (QUERIES / f"{name}.sql").read_text(encoding="utf-8").strip()
        used = {key: value for key, value in self.parameters.items() if f"${key}" in text}
        result = self._connection.execute(text, used)
        columns = [column[0] for column in result.description or []]
        rows = [dict(zip(columns, row, strict=True)) for row in result.fetchall()]
        for key, value in used.items():
            text = text.replace(f"${key}", literal(value))
        return Answer(rows, text)


@contextmanager
def reading(path: Path) -> Iterator[PublishedFile]:
    """The file, read-only: a reader like any other."""
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("set enable_external_access = false")
        yield PublishedFile(connection, path)


def file_before(folder: Path, run_id: str) -> Path | None:
    """The file that was published before that of this run, where it is still kept."""
    older = [path for path in (folder / VERSIONS).glob("marts_*.duckdb") if path.stem < f"marts_{run_id}"]
    return max(older, default=None)


def marts_file(folder: Path) -> Path:
    """Where the published file of a folder is."""
    return folder / MARTS_FILE


def run_of(path: Path) -> str:
    """The run whose figures a published file holds."""
    with reading(path) as published:
        return str(published.ask("publication").first["run_id"])
