"""What a delivered table looks like: its files, how they are written, and the values of each column.

Only a sample is read: the first megabytes of a text file, the first rows of any other. Each table becomes a temporary table
of the connection, so that keys and overlaps can be asked of it. What the columns mean is guessed elsewhere.
"""

import csv
import os
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from clientela.config.company import Config
from clientela.config.sources import DatabaseSource, EntityConfig, SourceConfig
from clientela.contracts import ENTITIES
from clientela.errors import ClientelaError, DeliveryError
from clientela.extract.feed import Feed
from clientela.extract.open_file import COMPRESSED, FORMATS, open_file
from clientela.extract.parameters import Parameters
from clientela.extract.readers import Opened, database
from clientela.extract.readers.text import plain_bytes
from clientela.onboard.propose.column_profile import ColumnProfile, profile_of_column
from clientela.onboard.propose.delimiter import guessed_delimiter
from clientela.onboard.propose.encoding import guessed_encoding
from clientela.onboard.propose.headless import fixed_places, has_no_header
from clientela.onboard.propose.never import never_taken
from clientela.sql.quoting import quoted
from clientela.wording import counted

#: bytes of a text file, and rows of any table, that are looked at
HEAD = 8 * 1024 * 1024
ROWS = 100_000
#: beside the delivered columns: which file of the table a row is from
FILE = "clientela's own file"
#: what reading a file ends in that is no table
_UNREADABLE = (ClientelaError, duckdb.Error, OSError, UnicodeDecodeError)
#: a name's digits, by which one delivery differs from the next: dates and numbers of their own
_DIGITS = re.compile(r"(?<![A-Za-z0-9])\d[\d\-_.T]*\d(?![A-Za-z0-9])|(?<=[_\- .])\d(?![A-Za-z0-9])|(?<=[a-z_])\d{4,}")


@dataclass
class TableProfile:
    """One table: a file or several of one make, or a table of a database, sampled into the temporary table `relation`."""

    name: str
    relation: str
    folder: Path
    files: list[str]
    rows: int
    is_whole: bool
    columns: dict[str, ColumnProfile]
    settings: dict[str, Any] = field(default_factory=dict)
    #: columns that are never taken → what they hold
    never: dict[str, str] = field(default_factory=dict)
    #: rows that repeat another row of their file whole
    repeated: int = 0
    #: columns that stand on the first of several rows of one order only
    of_order: frozenset[str] = frozenset()
    #: the day on which its newest file was last changed; today, for a database
    made_on: date = field(default_factory=date.today)
    #: a view of a database: what it shows stands in other tables
    is_view: bool = False

    @property
    def seen(self) -> str:
        return counted(self.rows, "row") if self.is_whole else f"the first {counted(self.rows, 'row')}"


#: how files are called that may be databases, and with what one of SQLite begins
_DATABASES = (".db", ".db3", ".sqlite", ".sqlite3")
_SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True)
class Unread:
    """A file or table that could not be read, and why."""

    name: str
    reason: str


def of_folder(
    connection: duckdb.DuckDBPyConnection, folder: Path, scratch: Path, *, is_trusted: bool = False
) -> tuple[list[TableProfile], list[Unread]]:
    """Every table in the folder and below. Files whose names differ in digits and whose columns agree are one table.

    A file that is a link, or has several names, may be another file of the machine: it is named and not read, unless
    `is_trusted`.
    """
    unread: list[Unread] = []
    groups: dict[tuple[Path, str], list[Path]] = {}
    # what clientela itself keeps is no delivery
    ours = [path.parent for path in folder.rglob("secret") if (path.parent / "warehouse.duckdb").exists()]
    ours += [path.parent for path in folder.rglob("landing") if (path.parent / "secret").exists()]
    for path in sorted(folder.rglob("*")):
        is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if _is_database(path) and not is_hidden and not any(path.is_relative_to(own) for own in ours):
            unread.insert(0, Unread(str(path.relative_to(folder)), _as_database(path)))
            continue
        if is_hidden or not _format(path) or not _is_file(path) or any(path.is_relative_to(own) for own in ours):
            continue
        if not is_trusted and (path.is_symlink() or path.stat().st_nlink > 1):
            reason = "it is a link, or has several names: a night would not read it"
            unread.append(Unread(str(path.relative_to(folder)), reason))
        else:
            groups.setdefault((path.parent, _DIGITS.sub("*", path.name)), []).append(path)
    tables: list[TableProfile] = []
    for (parent, pattern), paths in groups.items():
        parts, failed = _parted(connection, parent, paths, scratch)
        if not parts:
            unread.append(Unread(str((parent / pattern).relative_to(folder)), next(iter(failed.values()))))
            continue
        unread += [Unread(str(path.relative_to(folder)), reason) for path, reason in failed.items()]
        for part in parts:
            shown = [pattern] if len(parts) == 1 else [path.name for path in part]
            try:
                tables.append(_of_files(connection, f"profiled_{len(tables)}", parent, pattern, shown, part, scratch))
            except _UNREADABLE as error:
                name = str((parent / shown[0]).relative_to(folder))
                unread.append(Unread(name, str(error).splitlines()[0]))
    return tables, unread


def _is_database(path: Path) -> bool:
    """Whether it is a database of SQLite, by its name and its first bytes."""
    if path.suffix.lower() not in _DATABASES or not _is_file(path):
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


def _as_database(path: Path) -> str:
    """How its tables are looked at."""
    variable = re.sub(r"\W+", "_", f"{path.stem}_DB".upper(), flags=re.ASCII)
    variable = f"DB_{variable}" if variable[0].isdigit() else variable
    connection = shlex.quote(f"sqlite:///{path.resolve()}")
    return f"a database is no delivery; export {variable}={connection}, then clientela doctor --propose {variable}"


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _parted(
    connection: duckdb.DuckDBPyConnection, parent: Path, paths: list[Path], scratch: Path
) -> tuple[list[list[Path]], dict[Path, str]]:
    """The files by their columns, and those that cannot be read, with the reason.

    A JSON file agrees with one that has more: its records leave out what they have no value for.
    """
    if len(paths) == 1:
        return [paths], {}
    found: dict[Path, frozenset[str]] = {}
    failed: dict[Path, str] = {}
    for path in paths:
        try:
            found[path] = _columns(connection, parent, path, scratch)
        except _UNREADABLE as error:
            failed[path] = str(error).splitlines()[0]
    parts: dict[frozenset[str], list[Path]] = {}
    for path, columns in sorted(found.items(), key=lambda item: -len(item[1])):
        is_json = _format(path) in ("json", "json_lines")
        agreeing = (known for known in parts if columns == known or (is_json and columns < known))
        parts.setdefault(next(agreeing, columns), []).append(path)
    return list(parts.values()), failed


def _columns(connection: duckdb.DuckDBPyConnection, parent: Path, path: Path, scratch: Path) -> frozenset[str]:
    read, _ = _sample(path, scratch, 0)
    feed = _bare_feed(_written(connection, read, _format(path) or ""), parent)
    with _emptied(scratch / "reading") as reading:
        return frozenset(open_file(connection, feed, read, Parameters(), reading).delivery.columns)


def of_database(
    connection: duckdb.DuckDBPyConnection, connection_env: str, folder: Path, scratch: Path
) -> tuple[list[TableProfile], list[Unread]]:
    """Every table and view of the database that the environment variable names."""
    asked = DatabaseSource(connection_env=connection_env, query="select 1 as one")
    with database.opened(asked, folder, "point") as source:
        names = source.tables()
        relations = {name: ".".join(source.quoted(part) for part in name.split(".")) for name in names}
    tables: list[TableProfile] = []
    unread: list[Unread] = []
    for name, is_view in names.items():
        try:
            query = f"select * from {relations[name]} limit {ROWS + 1}"
            settings = DatabaseSource(connection_env=connection_env, query=query)
            fetched = scratch / f"table_{len(tables)}.parquet"
            with database.opened(settings, folder, "point") as source:
                rows = database.fetch(source, [], None, fetched)
            table = f"profiled_{len(tables)}"
            connection.execute(
                f"create or replace temp table {table} as select *, 0 as {quoted(FILE)} from read_parquet(?) limit {ROWS}",
                [str(fetched)],
            )
            own_settings = {"database": {"connection_env": connection_env, "table": name}}
            tables.append(_profiled(connection, name, table, folder, [], rows <= ROWS, own_settings, is_view))
        except (ClientelaError, duckdb.Error) as error:
            unread.append(Unread(name, str(error).splitlines()[0]))
    return tables, unread


def _format(path: Path) -> str | None:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in COMPRESSED]
    return FORMATS.get(suffixes[-1]) if suffixes else None


def _of_files(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    parent: Path,
    pattern: str,
    shown: list[str],
    paths: list[Path],
    scratch: Path,
) -> TableProfile:
    settings: dict[str, Any] = {}
    is_whole = True
    left = ROWS
    for number, path in enumerate(paths):
        read, was_cut = _sample(path, scratch, number)
        is_whole = is_whole and not was_cut
        if number == 0:
            settings = _written(connection, read, _format(path) or "")
        feed = _bare_feed(settings, parent)
        with _emptied(scratch / "reading") as reading:
            parameters = Parameters()
            opened = open_file(connection, feed, read, parameters, reading)
            columns = ", ".join(quoted(name) for name in opened.delivery.columns)
            into = f"create or replace temp table {table} as" if number == 0 else f"insert into {table} by name"
            columns += f", {number} as {quoted(FILE)}"
            statement = f"{into} select {columns} from {opened.delivery.relation} limit {left}"
            try:
                connection.execute(statement, parameters.used_in(statement))
            except duckdb.Error:
                if opened.fallback_reader is None:
                    raise
                parameters = Parameters()
                relation = opened.fallback_reader(parameters).delivery.relation
                statement = f"{into} select {columns} from {relation} limit {left}"
                connection.execute(statement, parameters.used_in(statement))
            if opened.unreadable and number == 0:
                _need_rows(connection, table, opened, parameters)
        rows = connection.execute(f"select count(*) from {table}").fetchall()[0][0]
        left = ROWS - rows
        if left <= 0:
            is_whole = False
            break
    name = pattern.split(".")[0].replace("*", "").strip("_- ") or parent.name
    profile = _profiled(connection, name, table, parent, [str(parent / file) for file in shown], is_whole, settings)
    changed = max(path.stat().st_mtime for path in paths)
    return replace(profile, made_on=datetime.fromtimestamp(changed, UTC).date())


def _need_rows(connection: duckdb.DuckDBPyConnection, table: str, opened: Opened, parameters: Parameters) -> None:
    """Raise DeliveryError for a file none of whose lines could be parsed, with the reason of most of them."""
    if connection.execute(f"select count(*) from {table}").fetchall()[0][0]:
        return
    statement = f"select reason, count(*) from {opened.unreadable} group by reason order by count(*) desc"
    reasons = connection.execute(statement, parameters.used_in(statement)).fetchall()
    if reasons:
        lines = sum(count for _, count in reasons)
        raise DeliveryError(f"none of its {counted(lines, 'line')} can be read: {reasons[0][0]}")


def _sample(path: Path, scratch: Path, number: int) -> tuple[Path, bool]:
    """The file to look at in place of this one, and whether it lacks lines: only text is cut."""
    kind = _format(path)
    if kind not in ("csv", "json_lines"):
        return path, False
    return _head(path, scratch / f"head{number}{path.suffix if kind != 'csv' else '.csv'}")


def _head(path: Path, into: Path) -> tuple[Path, bool]:
    """The file itself where it is small, or else a file with its first whole lines."""
    if path.stat().st_size <= HEAD and path.suffix.lower() not in COMPRESSED:
        return path, False
    with plain_bytes(path) as source:
        head = source.read(HEAD)
        was_cut = bool(source.read(1))
    into.write_bytes(head[: head.rfind(b"\n") + 1] if was_cut and b"\n" in head else head)
    return into, was_cut


def _written(connection: duckdb.DuckDBPyConnection, path: Path, kind: str) -> dict[str, Any]:
    """The entity's settings that say how the file is written, where they differ from what is assumed."""
    settings: dict[str, Any] = {}
    if kind not in ("csv", "json", "json_lines"):
        return settings
    start = path.read_bytes()[:HEAD]
    if (encoding := guessed_encoding(start)) is not None:
        settings["encoding"] = encoding
    if kind != "csv":
        return settings
    lines = start.decode(settings.get("encoding", "utf-8"), "replace").lstrip("\ufeff").splitlines()[:50]
    if not lines:
        raise DeliveryError("it is empty")
    if (places := fixed_places(lines)) is not None:
        is_header = not has_no_header([line.split() for line in lines])
        fixed = {"columns": places} | ({"header_lines": 1} if is_header else {})
        return settings | {"format": "fixed", "fixed": fixed}
    delimiter = guessed_delimiter(connection, path, lines, settings)
    written: dict[str, Any] = {} if delimiter == "," else {"delimiter": delimiter}
    rows = list(csv.reader(lines, delimiter=delimiter))
    if has_no_header(rows):
        written |= {"header": False, "columns": [f"column_{place}" for place in range(1, len(rows[0]) + 1)]}
    return settings | ({"csv": written} if written else {})


def _bare_feed(settings: dict[str, Any], parent: Path) -> Feed:
    """What a reader must know: how the file is written. Entity and key play no part in it."""
    entity = EntityConfig(files=["*"], key=["key"], **settings)
    company = Config(company="?", currency="EUR", time_zone="UTC", sources={"any": SourceConfig(entities={})})
    company._path = parent / "clientela.yml"
    return Feed(company, "any", company.sources["any"], ENTITIES["customers"], entity, "")


@contextmanager
def _emptied(folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    finally:
        for path in folder.iterdir():
            path.unlink()


def _profiled(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    relation: str,
    folder: Path,
    files: list[str],
    is_whole: bool,
    settings: dict[str, Any],
    is_view: bool = False,
) -> TableProfile:
    rows = connection.execute(f"select count(*) from {relation}").fetchall()[0][0]
    if not rows:
        raise DeliveryError("it has no rows")
    types = {row[0]: row[1] for row in connection.execute(f"describe {relation}").fetchall()}
    columns = {
        column: profile_of_column(connection, relation, column, kind)
        for column, kind in types.items()
        if column != FILE
    }
    never = {
        column: what
        for column, profile in columns.items()
        if (
            what := never_taken(
                column, profile.values if profile.sql_type == "VARCHAR" or "INT" in profile.sql_type else ()
            )
        )
    }
    whole = connection.execute(f"select count(*) from (select distinct * from {relation})").fetchall()[0][0]
    kept = {column: profile for column, profile in columns.items() if column not in never}
    return TableProfile(
        name, relation, folder, files, rows, is_whole, kept, settings, never, repeated=rows - whole, is_view=is_view
    )


def relative(path: str, folder: Path) -> str:
    """The path as a configuration in `folder` would name it; one of another tree stays whole."""
    below = os.path.relpath(path, folder)
    return path if below.startswith("../../../..") else below
