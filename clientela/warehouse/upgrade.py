"""From the layout of an earlier version to the present one: a copy is stepped forward, and takes the warehouse's place whole.

What cannot be built anew is carried: schemas `raw`, `ledger` and `memory`, and the instants of the last run. What dbt built,
and identity's evidence, the next run builds anew. Until the copy is switched in, in one step, the warehouse is only read; a
failure or a kill leaves it as it was. The copy is written in the storage format that `tables` names, and so is a warehouse
that has another one.

The steps are in `clientela.warehouse.upgrade_steps`; who may upgrade when, in `clientela.pipeline.upgrade`.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from clientela import stopping
from clientela.config.company import Config
from clientela.errors import InternalError
from clientela.sql.quoting import literal, quoted
from clientela.warehouse import ledger_copy, memory, tables
from clientela.warehouse.schema_version import SCHEMA_VERSION, require_known, version_of, version_of_copy
from clientela.warehouse.upgrade_steps import STEPS, Step

#: folders below the data folder: where the copy is made, and where the files from before are kept
WORK, KEPT = "upgrade", "before_upgrade"
#: what is carried; of `run`, only what the last run was
_SCHEMAS = ("raw", "ledger", "memory")
_CONTEXT = ("run", "context")
_BEFORE = "before_upgrade"

Table = tuple[str, str]
#: name, type, and whether it may be null
Column = tuple[str, str, bool]


@dataclass(frozen=True)
class Plan:
    """What there is to do. `version`: of the warehouse, or of memory's copy where there is none; None if there is neither."""

    version: int | None
    steps: tuple[Step, ...]
    has_warehouse: bool
    is_stored_otherwise: bool
    is_copy_outdated: bool

    @property
    def is_rewritten(self) -> bool:
        return bool(self.steps) or self.is_stored_otherwise

    @property
    def is_needed(self) -> bool:
        return self.is_rewritten or self.is_copy_outdated

    @property
    def sentences(self) -> list[str]:
        found = [f"{step.version - 1} → {step.version}: {step.sentence}" for step in self.steps]
        if self.is_stored_otherwise:
            found.append(f"the file is written anew, so that every DuckDB from {tables.STORAGE_VERSION} on reads it")
        if self.is_copy_outdated:
            found.append("memory's copy is written anew")
        return found


def plan(config: Config) -> Plan:
    """What an upgrade would do; it only reads. Raises ClientelaError for what a later version made."""
    with duckdb.connect() as connection:
        folder = copy_of_memory(config)
        copy = version_of_copy(connection, folder)
        require_known(copy, folder)
        if not config.warehouse.is_file():
            return Plan(copy, _steps_after(copy), False, False, copy is not None and copy < SCHEMA_VERSION)
        _attach(connection, config.warehouse)
        version = version_of(connection, _BEFORE)
        require_known(version, config.warehouse)
        if version is None:
            return Plan(None, (), True, False, False)
        storage = connection.execute(
            "select tags['storage_version'] from duckdb_databases() where database_name = ?", [_BEFORE]
        ).fetchall()[0][0]
        is_old_copy = version < SCHEMA_VERSION or copy not in (None, SCHEMA_VERSION)
        return Plan(version, _steps_after(version), True, storage != f"{tables.STORAGE_VERSION}+", is_old_copy)


def carry_out(config: Config, planned: Plan, say: Callable[[str], None]) -> None:
    """Do what is planned. Whatever it raises, warehouse and memory's copy are as they were, or the switch was made."""
    work = config.data / WORK
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        made = work / "warehouse.duckdb"
        if planned.has_warehouse and planned.is_rewritten:
            _make_copy(config, made, planned, say)
            with stopping.deferred():
                _keep(config)
                _switch(config, made)
        elif not planned.has_warehouse:
            _make_memory(config, made, planned, say)
            with stopping.deferred():
                _keep(config)
        if planned.is_copy_outdated:
            say("writing memory's copy")
            with (
                stopping.deferred(),
                _opened(config, config.warehouse if planned.has_warehouse else made) as connection,
            ):
                memory.export(connection, config.memory)
                if planned.has_warehouse:
                    ledger_copy.export(connection, config.memory)
                memory.withdraw(config.published / "memory")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def copy_of_memory(config: Config) -> Path:
    """The folder of the copy; 0.1 kept it among the published files."""
    first = config.published / "memory"
    return first if first.is_dir() and not config.memory.is_dir() else config.memory


def layout(connection: duckdb.DuckDBPyConnection) -> dict[Table, list[Column]]:
    """The columns, in their order, of every table that an upgrade carries."""
    return _layout_of(connection, connection.execute("select current_database()").fetchall()[0][0])


def present_layout() -> dict[Table, list[Column]]:
    """The layout of a warehouse that is made now."""
    with duckdb.connect() as connection:
        # an unnamed database is called memory, as one of the schemas is
        connection.execute("attach ':memory:' as present")
        connection.execute("use present")
        connection.execute("detach memory")
        tables.prepare(connection)
        return layout(connection)


def _layout_of(connection: duckdb.DuckDBPyConnection, database: str) -> dict[Table, list[Column]]:
    rows = connection.execute(
        """
        select columns.schema_name, columns.table_name, column_name, data_type, is_nullable
        from duckdb_columns() as columns
        inner join duckdb_tables() as held using (database_name, schema_name, table_name)
        where columns.database_name = ? and not held.temporary
        order by columns.schema_name, columns.table_name, column_index
        """,
        [database],
    ).fetchall()
    found: dict[Table, list[Column]] = {}
    for schema, table, name, data_type, is_nullable in rows:
        if schema in _SCHEMAS or (schema, table) == _CONTEXT:
            found.setdefault((schema, table), []).append((name, data_type, is_nullable))
    return found


def _steps_after(version: int | None) -> tuple[Step, ...]:
    return tuple(step for step in STEPS if version is not None and step.version > version)


def _attach(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Attach the warehouse to read: what its log holds is read with it, and not a byte of either is changed."""
    connection.execute(f"attach {literal(str(path))} as {_BEFORE} (read_only)")


@contextmanager
def _opened(config: Config, path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    limits = config.limits
    connection = tables.connect(path, memory_limit=limits.duckdb_memory, threads=limits.threads)
    with connection, stopping.interrupting(connection.interrupt):
        yield connection


def _make_copy(config: Config, path: Path, planned: Plan, say: Callable[[str], None]) -> None:
    """The file that is to take the warehouse's place."""
    present = present_layout()
    with _opened(config, path) as connection:
        _attach(connection, config.warehouse)
        held = _layout_of(connection, _BEFORE)
        say(f"copying {len(held)} tables")
        for table, columns in held.items():
            connection.execute(f"create schema if not exists {quoted(table[0])}")
            _create(connection, table, columns)
            connection.execute(f"insert into {_name(table)} select * from {_BEFORE}.{_name(table)}")
        connection.execute(f"detach {_BEFORE}")
        _step_forward(connection, planned, say)
        _arrange(connection, present)
        if planned.steps:
            for schema in ("ledger", "memory"):
                connection.execute(f"insert into {schema}.schema_version values (?, now())", [SCHEMA_VERSION])
        tables.prepare(connection)
        if layout(connection) != present:
            raise InternalError("The upgraded tables are not those of a new warehouse.")
        connection.execute("checkpoint")
    _sync(path)


def _make_memory(config: Config, path: Path, planned: Plan, say: Callable[[str], None]) -> None:
    """A file with memory alone, made of its copy, where there is no warehouse."""
    with _opened(config, path) as connection:
        connection.execute("create schema memory")
        for copy in sorted(copy_of_memory(config).glob("*.parquet")):
            name = _name(("memory", copy.stem))
            connection.execute(f"create table {name} as select * from read_parquet(?)", [str(copy)])
        _step_forward(connection, planned, say)
        _arrange(connection, {table: columns for table, columns in present_layout().items() if table[0] == "memory"})
        connection.execute("insert into memory.schema_version values (?, now())", [SCHEMA_VERSION])


def _step_forward(connection: duckdb.DuckDBPyConnection, planned: Plan, say: Callable[[str], None]) -> None:
    for step in planned.steps:
        stopping.check()
        say(f"{step.version - 1} → {step.version}: {step.sentence}")
        step.apply(connection)


def _arrange(connection: duckdb.DuckDBPyConnection, wanted: dict[Table, list[Column]]) -> None:
    """Give every table its present columns in their present order. Raises InternalError for one that no step accounts for."""
    held = layout(connection)
    for table, columns in held.items():
        kept = [name for name, *_ in columns]
        known = [name for name, *_ in wanted.get(table, [])]
        if lost := [name for name in kept if name not in known]:
            raise InternalError(f"No step of the upgrade says what becomes of {'.'.join(table)}.{lost[0]}.")
        if columns == wanted[table]:
            continue
        aside = (table[0], f"{table[1]} as it was")
        connection.execute(f"alter table {_name(table)} rename to {quoted(aside[1])}")
        _create(connection, table, wanted[table])
        connection.execute(f"insert into {_name(table)} by name select * from {_name(aside)}")
        connection.execute(f"drop table {_name(aside)}")
    for table in wanted.keys() - held.keys():
        connection.execute(f"create schema if not exists {quoted(table[0])}")
        _create(connection, table, wanted[table])


def _create(connection: duckdb.DuckDBPyConnection, table: Table, columns: list[Column]) -> None:
    definition = ", ".join(
        f"{quoted(name)} {data_type}{'' if is_nullable else ' not null'}" for name, data_type, is_nullable in columns
    )
    connection.execute(f"create table {_name(table)} ({definition})")


def _name(table: Table) -> str:
    return ".".join(quoted(part) for part in table)


def _keep(config: Config) -> None:
    """Keep the files from before: the warehouse by a second name of the same file, which takes no room."""
    kept = config.data / KEPT
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir()
    if config.warehouse.is_file():
        if _log(config.warehouse).exists():
            # what a killed run left there belongs to the file: beside another one it would be its ruin
            with _opened(config, config.warehouse) as connection:
                connection.execute("checkpoint")
        try:
            os.link(config.warehouse, kept / config.warehouse.name)
        except OSError:
            shutil.copy2(config.warehouse, kept / config.warehouse.name)
    if (copy := copy_of_memory(config)).is_dir():
        shutil.copytree(copy, kept / "memory")


def _switch(config: Config, made: Path) -> None:
    if _log(config.warehouse).exists() or _log(made).exists():
        raise InternalError("A log lies beside the warehouse, and would be read into another file.")
    os.replace(made, config.warehouse)
    _sync(config.data)


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _sync(path: Path) -> None:
    """Have the bytes of a file, or the names in a folder, outlast a power loss."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
