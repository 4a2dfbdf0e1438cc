"""A delivered file as a relation, by the reader of its kind.

What becomes of its rows stands in `mapping` and `clientela.load.staging`.
"""

from pathlib import Path
from typing import get_args

import duckdb

from clientela.config.sources import Format, bytes_of
from clientela.errors import DeliveryError
from clientela.extract.feed import Feed
from clientela.extract.mapped_columns import formats_of_columns, named_columns
from clientela.extract.parameters import Parameters
from clientela.extract.readers import Opened
from clientela.extract.readers.csv_reader import open_csv
from clientela.extract.readers.excel import open_excel
from clientela.extract.readers.fixed import open_fixed
from clientela.extract.readers.json_reader import open_json
from clientela.extract.readers.parquet import open_parquet
from clientela.extract.readers.rewritten import SUFFIX, open_rewritten

#: a file's ending → its format; .txt may be anything, and is CSV where nothing else is said
FORMATS = {
    ".csv": "csv", ".txt": "csv", ".tsv": "csv", ".json": "json", ".jsonl": "json_lines", ".ndjson": "json_lines",
    ".xlsx": "excel", ".xlsm": "excel", ".xlsb": "excel", ".xls": "excel", ".ods": "excel",
    ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip


COMPRESSED = (".gz", ".gzip", ".zst", ".zstd")


def kind_of(feed: Feed, path: Path) -> str:
    """The file's format: as configured, or else as its ending tells, compression aside."""
    if feed.settings.database is not None:
        return "parquet"
    if feed.settings.format is None and feed.settings.fixed is not None:
        return "fixed"
    suffixes = [suffix for suffix in path.suffixes if suffix.lower() not in COMPRESSED]
    kind = feed.settings.format or FORMATS.get(suffixes[-1].lower() if suffixes else "")
    if kind is None:
        raise DeliveryError(
            f"its name does not tell its format; mend `files`, or write {feed.where}.format: one of {', '.join(get_args(Format))}"
        )
    return kind


def open_file(
    connection: duckdb.DuckDBPyConnection, feed: Feed, path: Path, parameters: Parameters, scratch: Path
) -> Opened:
    """The file as a relation, by the reader of its kind; `scratch` is an empty folder of its own."""
    settings, style = feed.settings, feed.source.decimal_style
    allowed = feed.config.inbox.allowed_bytes(path.stat().st_size)
    memory = bytes_of(feed.config.limits.memory)
    if path.name.endswith(SUFFIX):
        return open_rewritten(connection, path, parameters)
    match kind_of(feed, path):
        case "parquet":
            return open_parquet(connection, path, parameters, allowed)
        case "excel":
            return open_excel(
                connection, path, settings.excel, parameters, scratch, style, formats_of_columns(feed), allowed, memory
            )
        case "fixed":
            assert settings.fixed is not None
            return open_fixed(path, settings.fixed, parameters, scratch, settings.encoding, allowed)
        case "json" | "json_lines" as kind:
            return open_json(
                connection, path, settings.json_format, parameters, scratch, is_lines=kind == "json_lines",
                encoding=settings.encoding, decimal_style=style, wanted=named_columns(connection, settings),
                allowed=allowed,
            )  # fmt: skip
    return open_csv(connection, path, settings.csv, parameters, scratch, settings.encoding, allowed)
