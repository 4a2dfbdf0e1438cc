"""A published file that begins as a copy of the one before: only what differs is written.

Tables are compared with the copy itself, by a hash of each row. One that is as it was stays; of a large one the rows that
differ are deleted and inserted; any other is emptied and filled again. What is dead in the file then is no reader's, but its
bytes stay, so `clientela.publish` begins from a copy only where nothing has to go, and here a copy is given up for a personal
value that would be gone, and for a file of which more than `DEAD_SHARE` is dead.
"""

import fcntl
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from clientela.sql.quoting import quoted
from clientela.warehouse.transactions import transaction

#: of a file, or of a table's rows: a copy of which more is dead is not gone on with, and such a table is filled again
DEAD_SHARE = 0.25
#: of a table's rows: where more differ, it is filled again
CHANGED_SHARE = 0.3
#: rows below which a table that differs is filled again without looking which rows do
FEW_ROWS = 20_000
#: rows above which a part of them is compared first
MANY_ROWS = 500_000
#: of the keys, one in so many
PART = 64
#: hashes of the rows that one large table is to hold, and of those that the copy holds
WANTED, HELD = "wanted_rows", "held_rows"
#: Linux: let a new file share the blocks of another, on file systems that can
_FICLONE = 0x40049409


class NotUponError(Exception):
    """The copy is not to be gone on with; the sentence says why."""


@dataclass(frozen=True)
class Table:
    """What one table of the file is to hold.

    `name` is its name in the file, `source` the table or view that holds what it is to hold. `key` names one row each;
    `shown` are the personal columns that the file's readers see. `is_key_tested`: nobody has to look whether two rows
    bear one key.
    """

    name: str
    source: str
    columns: tuple[str, ...]
    key: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    is_key_tested: bool = False

    @property
    def row_hash(self) -> str:
        """SQL: a hash of the whole row, the same for equal rows in one version of DuckDB."""
        return f"hash({_list(self.columns)})"

    @property
    def key_hash(self) -> str:
        """SQL: the same of its key."""
        return f"hash({_list(self.key)})"


@dataclass(frozen=True)
class Written:
    """How many tables stayed as they were, had rows exchanged, and were filled again; and the rows of all, in their order."""

    same: int
    merged: int
    filled: int
    rows: tuple[int, ...] = field(default=(), compare=False)


@dataclass
class _Plan:
    """`differences`: per table to merge, the temporary table of the rows that go and come; `prints`: what a table is to be."""

    filled: list[Table] = field(default_factory=list)
    differences: dict[Table, str] = field(default_factory=dict)
    prints: dict[Table, tuple[int, int]] = field(default_factory=dict)
    same: int = 0


def clone(source: Path, target: Path) -> None:
    """Copy a file, as shared blocks where the file system can."""
    with source.open("rb") as old, target.open("xb") as new, suppress(OSError):
        fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
        return
    shutil.copyfile(source, target)


def write_upon(connection: duckdb.DuckDBPyConnection, catalog: str, tables: Sequence[Table]) -> Written:
    """Make the tables of the attached copy what they are to be. Raises NotUponError where it is to be written whole."""
    plan = _Plan()
    try:
        _look(connection, catalog, tables, plan)
        if plan.filled:
            with transaction(connection):
                for table in plan.filled:
                    connection.execute(f"delete from {catalog}.{table.name}")
            # what they took is free to be used again
            connection.execute(f"checkpoint {catalog}")
        with transaction(connection):
            for table in plan.filled:
                connection.execute(
                    f"insert into {catalog}.{table.name} select {_list(table.columns)} from {table.source}"
                )
            for table, differences in plan.differences.items():
                _merge(connection, catalog, table, differences)
                if _print(connection, f"{catalog}.{table.name}", table.row_hash) != plan.prints[table]:
                    raise NotUponError(f"{table.name} does not hold what it is to hold")
        rows = tuple(plan.prints[table][0] for table in tables)
        return Written(plan.same, len(plan.differences), len(plan.filled), rows)
    except duckdb.ConstraintException as error:
        raise NotUponError("a part of a key is missing") from error
    finally:
        for name in (WANTED, HELD, *plan.differences.values()):
            connection.execute(f"drop table if exists {name}")


def _look(connection: duckdb.DuckDBPyConnection, catalog: str, tables: Sequence[Table], plan: _Plan) -> None:
    """Find out what is to be done to each table."""
    written = {
        f"{quoted(schema)}.{quoted(name)}": int(rows)
        for schema, name, rows in connection.execute(
            "select schema_name, table_name, estimated_size from duckdb_tables() where database_name = ?", [catalog]
        ).fetchall()
    }
    ((free, blocks),) = connection.execute(
        "select free_blocks, total_blocks from pragma_database_size() where database_name = ?", [catalog]
    ).fetchall()
    if free > DEAD_SHARE * blocks:
        raise NotUponError("more of the file is dead than it should be")
    dead = 0
    for table in tables:
        target = f"{catalog}.{table.name}"
        is_large = bool(table.key) and written[table.name] >= FEW_ROWS
        if is_large:
            # each side is read once
            _keep_hashes(connection, WANTED, table.source, table)
            _keep_hashes(connection, HELD, target, table)
            held, new = _print(connection, HELD, "row_hash"), _print(connection, WANTED, "row_hash")
        else:
            held, new = (_print(connection, relation, table.row_hash) for relation in (target, table.source))
        plan.prints[table] = new
        of_table = written[table.name] - held[0]
        dead += of_table
        if held == new:
            plan.same += 1
        elif table.shown and _is_anyone_gone(connection, target, table):
            raise NotUponError(f"a personal value that {table.name} showed is gone")
        else:
            differences = f"differences_{len(plan.differences)}"
            is_merged = is_large and of_table <= DEAD_SHARE * held[0]
            if is_merged and _find_differences(connection, held[0], differences):
                plan.differences[table] = differences
            else:
                plan.filled.append(table)
            _need_one_row_per_key(connection, table, plan.differences.get(table), is_large=is_large)
    for name in (WANTED, HELD):
        connection.execute(f"drop table if exists {name}")
    if dead > DEAD_SHARE * sum(written.values()):
        raise NotUponError("more of the file is dead than it should be")


def _keep_hashes(connection: duckdb.DuckDBPyConnection, name: str, relation: str, table: Table) -> None:
    row = "rowid as row_id, " if name == HELD else ""
    connection.execute(
        f"create or replace temp table {name} as "
        f"select {row}{table.key_hash} as key_hash, {table.row_hash} as row_hash from {relation}"
    )


def _print(connection: duckdb.DuckDBPyConnection, relation: str, row_hash: str) -> tuple[int, int]:
    """The rows of a relation, and the sum of their hashes: the same for the same rows in whatever order."""
    ((rows, total),) = connection.execute(f"select count(*), sum({row_hash}) from {relation}").fetchall()
    return int(rows), int(total or 0)


def _is_anyone_gone(connection: duckdb.DuckDBPyConnection, target: str, table: Table) -> bool:
    """Whether somebody's personal value that the readers saw is not among those they are to see."""
    columns = _list(tuple(dict.fromkeys((*table.key, *table.shown))))
    return bool(
        connection.execute(
            f"select 1 from (select {columns} from {target} except select {columns} from {table.source}) limit 1"
        ).fetchall()
    )


def _need_one_row_per_key(
    connection: duckdb.DuckDBPyConnection, table: Table, differences: str | None, *, is_large: bool
) -> None:
    """Raise NotUponError where two rows seem to bear one key. What the file holds was looked at when it came there."""
    if not table.key or table.is_key_tested:
        return
    relation, key = (WANTED, "key_hash") if is_large else (table.source, _list(table.key))
    come = f"where key_hash in (select come from {differences})" if differences else ""
    if connection.execute(f"select 1 from {relation} {come} group by {key} having count(*) > 1 limit 1").fetchall():
        raise NotUponError(f"{table.name} seems to hold two rows of one key")


def _find_differences(connection: duckdb.DuckDBPyConnection, rows: int, differences: str) -> bool:
    """Keep which rows go and come; where that is most of them, False. Of many rows a part is compared first."""
    if rows >= MANY_ROWS:
        part = _differences_sql(f"where key_hash % {PART} = 0")
        ((gone,),) = connection.execute(f"select count(gone) from ({part})").fetchall()
        if gone > CHANGED_SHARE * rows / PART:
            return False
    connection.execute(f"create or replace temp table {differences} as {_differences_sql()}")
    ((gone,),) = connection.execute(f"select count(gone) from {differences}").fetchall()
    if gone > CHANGED_SHARE * rows:
        connection.execute(f"drop table {differences}")
        return False
    return True


def _differences_sql(where: str = "") -> str:
    """SELECT of `gone`, the rowids of the file's rows that are to go, and of `come`, the key's hashes of those that come."""
    return f"""
        select held.row_id as gone, wanted.key_hash as come
        from (select * from {HELD} {where}) as held
        full join (select * from {WANTED} {where}) as wanted
            on held.row_hash = wanted.row_hash and held.key_hash = wanted.key_hash
        where held.row_id is null or wanted.key_hash is null
    """


def _merge(connection: duckdb.DuckDBPyConnection, catalog: str, table: Table, differences: str) -> None:
    connection.execute(f"delete from {catalog}.{table.name} where rowid in (select gone from {differences})")
    connection.execute(
        f"insert into {catalog}.{table.name} select {_list(table.columns)} from {table.source} "
        f"where {table.key_hash} in (select come from {differences})"
    )


def _list(names: Sequence[str]) -> str:
    return ", ".join(quoted(name) for name in names)
