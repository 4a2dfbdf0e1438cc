"""Handing on published tables as a folder of Parquet or CSV files with a manifest that says what they are.

The folder holds one publication, whatever is published meanwhile, and is there whole or not at all. Personal columns are as
in the published file; files are for whom its files are for. Which rows an answer has is for `clientela.query.sql`.
"""

import difflib
import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal

import duckdb

from clientela.config.company import Config
from clientela.errors import ConfigError, QueryError
from clientela.file_modes import close_export
from clientela.query.sql import reading_published
from clientela.sql.quoting import literal, quoted
from clientela.warehouse import audit
from clientela.wording import listed

MANIFEST_FILE = "manifest.json"
Format = Literal["parquet", "csv"]
_OPTIONS: dict[Format, str] = {"parquet": "(format parquet)", "csv": "(format csv, header)"}


def export(
    config: Config,
    marts: Sequence[str],
    folder: Path,
    file_format: Format = "parquet",
    as_of: date | None = None,
    *,
    is_replacing: bool = False,
) -> dict[str, Any]:
    """Write the named marts, or all for none, below `folder`; gives its manifest.

    Raises QueryError for a mart that there is not, ConfigError for a folder that cannot be written or is there already; an
    earlier export and nothing else gives way if `is_replacing`.
    """
    folder = folder.absolute()
    if os.path.lexists(folder) and not (is_replacing and _is_export(folder)):
        hint = "--replace writes it anew" if _is_export(folder) else "it holds more than an earlier export, so it stays"
        raise ConfigError(f"{folder} is there already: {hint}, or name another folder.")
    aside = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        with reading_published(config, as_of) as connection:
            chosen = _chosen(connection, marts)
            aside.mkdir(mode=0o700, parents=True)
            connection.execute(f"set timezone = {literal(config.time_zone)}")
            tables = [_write(connection, table, aside, file_format) for table in chosen]
            manifest = {**_publication(connection), "format": file_format, "tables": tables}
        text = json.dumps(manifest, indent=2, ensure_ascii=False, default=str)
        (aside / MANIFEST_FILE).write_text(f"{text}\n", encoding="utf-8")
        close_export(config, aside)
        _switch(aside, folder)
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    audit.leave(config, "export", f"{len(tables)} tables to {folder}")
    return manifest


def _is_export(folder: Path) -> bool:
    """Whether the folder holds an export and nothing else that would go with it."""
    try:
        manifest = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
        known = {MANIFEST_FILE, *(table["file"] for table in manifest["tables"])}
        return {path.name for path in folder.iterdir()} <= known
    except (OSError, ValueError, TypeError, KeyError):
        return False


def _switch(aside: Path, folder: Path) -> None:
    """Put the new folder at its place; an earlier export goes once the new one is whole."""
    former = aside.with_name(f"{aside.name}.former")
    if folder.exists():
        folder.rename(former)
    aside.rename(folder)
    shutil.rmtree(former, ignore_errors=True)


def _chosen(connection: duckdb.DuckDBPyConnection, marts: Sequence[str]) -> list[str]:
    """The full names of the tables asked for; a name without its schema is enough where one table bears it."""
    query = "select schema_name || '.' || table_name from duckdb_tables() where database_name = current_database() order by 1"
    tables = [row[0] for row in connection.execute(query).fetchall()]
    chosen = []
    for mart in marts or tables:
        found = [name for name in tables if mart in (name, name.partition(".")[2])]
        if len(found) != 1:
            among = tables + [name.partition(".")[2] for name in tables]
            near = found or difflib.get_close_matches(mart, among, 1)
            hint = f"did you mean {listed(near)}?" if near else "`clientela sql` without a query lists the marts."
            raise QueryError(f"There is {'more than one' if found else 'no'} mart {mart}; {hint}")
        chosen += [name for name in found if name not in chosen]
    return chosen


def _write(connection: duckdb.DuckDBPyConnection, table: str, folder: Path, file_format: Format) -> dict[str, Any]:
    schema, _, name = table.partition(".")
    path = folder / f"{table}.{file_format}"
    try:
        copied = connection.execute(
            f"copy {quoted(schema)}.{quoted(name)} to {literal(str(path))} {_OPTIONS[file_format]}"
        )
    except duckdb.IOException as error:
        raise ConfigError(f"{path} cannot be written: {str(error).splitlines()[0]}") from error
    ((rows,),) = copied.fetchall()
    ((description,),) = connection.execute(
        "select comment from duckdb_tables() where database_name = current_database() and schema_name = ? and table_name = ?",
        [schema, name],
    ).fetchall()
    columns = connection.execute(
        """
        select column_name, data_type, comment from duckdb_columns()
        where database_name = current_database() and schema_name = ? and table_name = ? order by column_index
        """,
        [schema, name],
    ).fetchall()
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "table": table,
        "file": path.name,
        "rows": rows,
        "bytes": path.stat().st_size,
        "sha256": digest,
        "description": description,
        "columns": [{"name": column, "type": kind, "description": comment} for column, kind, comment in columns],
    }


def _publication(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Whose figures they are, and of which day."""
    found = connection.execute(
        "select company, run_id, as_of_on, known_at, currency, time_zone from operations.publication"
    )
    names = [column[0] for column in found.description or []]
    return dict(zip(names, found.fetchall()[0], strict=True))
