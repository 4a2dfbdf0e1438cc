"""Looking for values in everything that the data folder holds: bytes, and what is packed in them.

A DuckDB or Parquet file keeps text packed, so its rows are asked; what is packed with gzip or zip is unpacked. Bytes of
every file are looked through as well, in UTF-8 and in UTF-16, since a row that was deleted may still be there.
"""

import gzip
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import duckdb

from clientela import transform
from clientela.config.company import Config
from clientela.places import files_of
from clientela.sql.quoting import literal, quoted

_CHUNK = 8 * 1024**2
#: what one packed file may become in memory
_LARGEST = 512 * 1024**2


def encoded(value: str) -> list[bytes]:
    """The value as bytes, in each way that a file may hold it."""
    return [value.encode("utf-8"), value.encode("utf-16-le"), value.encode("utf-16-be")]


def search(data: Path, values: Sequence[str]) -> dict[str, int]:
    """File of the data folder → how many of the values are found in it; every file that was looked at is there."""
    with duckdb.connect() as connection:
        return {path.relative_to(data).as_posix(): _found_in(connection, path, values) for path, _ in files_of(data)}


def search_all(config: Config, values: Sequence[str]) -> dict[str, int]:
    """The same of the data folder and of the lake beside it, where there is one: its files and its catalogue."""
    found = search(config.data, values)
    if config.engine.kind == "ducklake":
        found |= {f"lake/{name}": number for name, number in search(config.lake, values).items()}
    return found | transform.found_in_lake(config, values)


def _found_in(connection: duckdb.DuckDBPyConnection, path: Path, values: Sequence[str]) -> int:
    found = _in_bytes(path, values)
    rest = [value for value in values if value not in found]
    if rest and path.suffix == ".duckdb":
        found |= _in_database(connection, path, rest)
    elif rest and path.suffix == ".parquet":
        with suppress(duckdb.Error):
            found |= _in_relation(connection, f"read_parquet({literal(str(path))})", rest)
    return len(found)


def _in_bytes(path: Path, values: Sequence[str]) -> set[str]:
    wanted = {value: encoded(value) for value in values}
    longest = max((len(form) for forms in wanted.values() for form in forms), default=1)
    found: set[str] = set()
    with path.open("rb") as file:
        is_packed = file.read(2) in (b"\x1f\x8b", b"PK")
        file.seek(0)
        tail = b""
        while chunk := file.read(_CHUNK):
            text = tail + chunk
            found |= {
                value for value, forms in wanted.items() if value not in found and any(form in text for form in forms)
            }
            tail = text[-longest:]
    if is_packed:
        for content in _unpacked(path):
            found |= {value for value, forms in wanted.items() if any(form in content for form in forms)}
    return found


def _unpacked(path: Path) -> Iterator[bytes]:
    with suppress(OSError, EOFError, zipfile.BadZipFile):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    with archive.open(name) as member:
                        yield member.read(_LARGEST)
        else:
            with gzip.open(path) as packed:
                content = packed.read(_LARGEST)
            yield content
            if content[:2] == b"PK":
                with zipfile.ZipFile(BytesIO(content)) as archive:
                    for name in archive.namelist():
                        yield archive.read(name)


def _in_database(connection: duckdb.DuckDBPyConnection, path: Path, values: Sequence[str]) -> set[str]:
    found: set[str] = set()
    with suppress(duckdb.Error):
        connection.execute(f"attach {literal(str(path))} as looked_at (read_only)")
        try:
            tables = connection.execute(
                "select schema_name, table_name from duckdb_tables() where database_name = 'looked_at'"
            ).fetchall()
            for schema, table in tables:
                found |= _in_relation(connection, f"looked_at.{quoted(schema)}.{quoted(table)}", values)
        finally:
            connection.execute("detach looked_at")
    return found


def _in_relation(connection: duckdb.DuckDBPyConnection, relation: str, values: Sequence[str]) -> set[str]:
    rows = connection.execute(
        f"""
        select value from (select unnest($values) as value)
        where exists (
            select 1 from (select cast(looked as varchar) as text from {relation} as looked) where contains(text, value)
        )
        """,
        {"values": list(values)},
    ).fetchall()
    return {value for (value,) in rows}
