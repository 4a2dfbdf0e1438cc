"""Which delimiter a CSV file has that nobody has described. The reader's own is in `clientela.extract.readers.csv_delimiter`."""

from pathlib import Path
from typing import Any

import duckdb


def guessed_delimiter(
    connection: duckdb.DuckDBPyConnection, path: Path, lines: list[str], settings: dict[str, Any]
) -> str:
    """As DuckDB sniffs it; where it cannot, the character that stands equally often in header and lines."""
    if not settings:
        try:
            sniffed = connection.execute(
                "select Delimiter from sniff_csv(?, all_varchar = true, ignore_errors = true, header = true)",
                [str(path)],
            ).fetchall()[0][0]
            if sniffed in lines[0]:
                return str(sniffed)
        except duckdb.Error:
            pass
    counted = {mark: [line.count(mark) for line in lines if line.strip()] for mark in (",", ";", "\t", "|")}
    return max(
        counted, key=lambda mark: (counted[mark][0] > 0, counted[mark].count(counted[mark][0]), counted[mark][0])
    )
