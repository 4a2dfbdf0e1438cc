"""Building the models in a lake that several writers share: DuckLake, Parquet in a folder with PostgreSQL as its catalogue.

DuckDB stays loader, gate, host of the Python steps and publisher. The loaded batches are written to the lake in the wake of
loading, committed by themselves. Then a build is one transaction of the lake: it reads one state of it whatever others load
meanwhile, readers see the last whole night until it ends, and of a build that fails or is killed nothing is seen. Each model is
made whole, in the lake by DuckDB's own SQL, and comes back as a table of the warehouse.

The extensions come as wheels of one version of DuckDB, and are loaded from their files: nothing is fetched at run time.
"""

import os
import re
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

import duckdb

from clientela import stopping
from clientela.build_models import Build, Database, NodeResult, Progress
from clientela.compiled_models import Compiled, Step
from clientela.errors import ConfigError, NotPublishedError
from clientela.extras import require_extra
from clientela.sql.quoting import literal, quoted
from clientela.warehouse.transactions import transaction

#: the last version of DuckDB that there are wheels of the extensions for
DUCKDB_VERSION = "1.5.5"
EXTENSIONS = ("postgres_scanner", "ducklake")
#: the name that the lake is attached with
LAKE = "lake"
#: a file that no snapshot needs any more is left this long to those who read it just now
_GRACE = "interval 1 day"
#: a night ends in one large commit: it is tried this often, and this soon again, where others commit meanwhile
_COMMITS = {"ducklake_max_retry_count": 100, "ducklake_retry_wait_ms": 100, "ducklake_retry_backoff": 1}
_MAY_BE_REPEATED = re.compile(
    r"(connection to server .*|FATAL: .*|could not translate host name .*|server closed the connection unexpectedly)"
)
#: what follows quotes a statement, in which are values
_QUOTES_A_STATEMENT = re.compile(r"Failed to (execute|flush)|LINE \d")


@dataclass(frozen=True)
class Catalog:
    """Where the lake is: the variable with the connection to PostgreSQL, the catalogue's schema there, the folder of files."""

    connection_env: str
    schema: str
    folder: Path
    #: days that a state of the lake can be read after the next one
    snapshot_days: int

    @property
    def url(self) -> str:
        """The connection. It is in no message and in no file. Raises ConfigError if the variable is not set."""
        url = os.environ.get(self.connection_env)
        if not url:
            raise ConfigError(
                f"engine.connection_env: the environment variable {self.connection_env} is not set; it holds the connection "
                "to the catalogue, such as postgresql://user:password@host/database."
            )
        return url


def require(catalog: Catalog, data: Path) -> None:
    """Raise ConfigError if something is not on this machine or not as it must be, NotPublishedError if no catalogue answers."""
    require_extra(
        "ducklake", "engine: {kind: ducklake}", *(f"duckdb_extension_{name}" for name in reversed(EXTENSIONS))
    )
    if duckdb.__version__ != DUCKDB_VERSION:
        raise ConfigError(
            f"engine: {{kind: ducklake}} needs DuckDB {DUCKDB_VERSION}, the last with wheels of its extensions; here is "
            f"{duckdb.__version__}. Install `pip install 'clientela[ducklake]'` into an environment of its own."
        )
    if catalog.folder.is_relative_to(data):
        raise ConfigError(
            "engine.lake lies in the data folder, which is this company's alone: name a folder beside it."
        )
    with duckdb.connect() as connection:
        attach(connection, catalog)


def attach(connection: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    """Attach the lake; it is made where there is none. Raises NotPublishedError, in which nothing of the connection is."""
    url = catalog.url
    for name in EXTENSIONS:
        connection.execute(f"load {literal(str(extension_file(name)))}")
    for setting, value in _COMMITS.items():
        connection.execute(f"set {setting} = {value}")
    catalog.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        # a row that lay in the catalogue would be no row of a file, which is what expires
        connection.execute(
            f"attach {literal(f'ducklake:postgres:{url}')} as {LAKE} (data_path {literal(str(catalog.folder))}, "
            f"metadata_schema {literal(catalog.schema)}, data_inlining_row_limit 0)"
        )
    except duckdb.Error as error:
        raise NotPublishedError(
            f"The catalogue of the lake, in the database of {catalog.connection_env}, cannot be opened: "
            f"{_without_connection(error, url)}"
        ) from None


def extension_file(name: str) -> Path:
    """The file of an extension in its wheel."""
    spec = find_spec(f"duckdb_extension_{name}")
    (folder,) = spec.submodule_search_locations if spec and spec.submodule_search_locations else ("",)
    return Path(folder) / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"


def _without_connection(error: duckdb.Error, url: str) -> str:
    """The error's message, unless it repeats the connection."""
    text = " ".join(str(error).split())
    found = _MAY_BE_REPEATED.search(text)
    text = found[1] if found else _QUOTES_A_STATEMENT.split(text)[0].rstrip(" .:")
    inside = re.match(r"[a-z]+://[^:/@]*:(.*)@|.*\bpassword\s*=\s*'?([^\s']+)", url)
    password = next((part for part in inside.groups() if part), "") if inside else ""
    if any(secret and secret in text for secret in (url, password, unquote(password))):
        return "see that it holds a connection to PostgreSQL, such as postgresql://user:password@host/database."
    return text[:300]


def build(
    compiled: Compiled,
    database: Database,
    catalog: Catalog,
    progress: Progress | None = None,
    *,
    only: Collection[str] | None = None,
) -> list[NodeResult]:
    """Build and test all of them, or those that `only` names; results in the order of the steps. None that failed raises.

    Raises NotPublishedError if the lake cannot be opened or written.
    """
    taken = [step for step in compiled.steps if only is None or step.unique_id in only]
    connection = database.connect()
    try:
        attach(connection, catalog)
        with (
            _in_lake(connection, database) as lake,
            stopping.interrupting(connection.interrupt),
            stopping.interrupting(lake.interrupt),
        ):
            write_batches(lake, Path(database.path).stem)
            results = _in_one_transaction(connection, lake, taken, progress or (lambda *_: None))
            expire_snapshots(lake, catalog.snapshot_days)
            return results
    except duckdb.Error as error:
        stopping.check()
        raise NotPublishedError(
            f"The lake cannot be written: {_without_connection(error, catalog.url)}. The last night stands there; run again."
        ) from None
    finally:
        # a lake whose catalogue went away holds the warehouse open for ever if it is not let go of by itself
        with suppress(duckdb.Error):
            connection.execute(f"detach {LAKE}")
        connection.close()


@contextmanager
def _in_lake(connection: duckdb.DuckDBPyConnection, database: Database) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of its own to the same database, for which names without a database are of the lake."""
    lake = connection.cursor()
    try:
        for name, value in database.settings.items():
            lake.execute(f"set {name} = {literal(value)}")
        lake.execute(f"use {LAKE}")
        yield lake
    finally:
        lake.close()


def _in_one_transaction(
    connection: duckdb.DuckDBPyConnection, lake: duckdb.DuckDBPyConnection, taken: Sequence[Step], progress: Progress
) -> list[NodeResult]:
    results: list[NodeResult] = []
    with suppress(_NotWholeError), transaction(lake):
        results = LakeBuild(connection, lake, taken, progress).take()
        if any(result.has_failed for result in results):
            raise _NotWholeError
    return results


class _NotWholeError(Exception):
    """A model or a test failed: nothing of the build is to be seen in the lake."""


def write_batches(lake: duckdb.DuckDBPyConnection, warehouse: str) -> None:
    """Make the lake hold the batches that the warehouse holds, as it holds them. One transaction: all of it, or none.

    A batch is told by its rows' content, so that it does not matter how often this is done, what a killed run left, or what
    was rolled back, renewed or restored since. `warehouse` is the name of its database.
    """
    with transaction(lake):
        lake.execute("create schema if not exists raw")
        for (name,) in lake.execute(
            "select table_name from duckdb_tables() where database_name = ? and schema_name = 'raw' order by 1",
            [warehouse],
        ).fetchall():
            _write_batches_of(lake, f"{quoted(warehouse)}.raw.{quoted(name)}", name)


def _write_batches_of(lake: duckdb.DuckDBPyConnection, here: str, name: str) -> None:
    there = f"{LAKE}.raw.{quoted(name)}"
    columns = _columns(lake, here)
    if _columns_of_lake(lake, name) != columns:
        lake.execute(f"drop table if exists {there}")
        lake.execute(f"create table {there} as select * from {here} limit 0")
        _partition(lake, there)
    wanted, held = _batches(lake, here, columns), _batches(lake, there, columns)
    if gone := [batch for batch in held if held[batch] != wanted.get(batch)]:
        lake.execute(f"delete from {there} where list_contains(?, batch_id)", [gone])
    if new := [batch for batch in wanted if wanted[batch] != held.get(batch)]:
        lake.execute(f"insert into {there} select * from {here} where list_contains(?, batch_id)", [new])


def _partition(lake: duckdb.DuckDBPyConnection, table: str) -> None:
    lake.execute(f"alter table {table} set partitioned by (source)")


def _columns(lake: duckdb.DuckDBPyConnection, table: str) -> list[tuple[str, str]]:
    return [(name, sql_type) for name, sql_type, *_ in lake.execute(f"describe {table}").fetchall()]


def _columns_of_lake(lake: duckdb.DuckDBPyConnection, name: str) -> list[tuple[str, str]]:
    there = lake.execute(
        f"select 1 from duckdb_tables() where database_name = '{LAKE}' and schema_name = 'raw' and table_name = ?",
        [name],
    ).fetchall()
    return _columns(lake, f"{LAKE}.raw.{quoted(name)}") if there else []


def _batches(
    lake: duckdb.DuckDBPyConnection, table: str, columns: Sequence[tuple[str, str]]
) -> dict[object, tuple[int, int]]:
    """Batch → its rows, and what they hold, as a number that does not hang on their order."""
    listed = ", ".join(quoted(name) for name, _ in columns)
    rows = lake.execute(
        f"select batch_id, count(*), sum(cast(hash({listed}) as hugeint)) from {table} group by batch_id"
    ).fetchall()
    return {batch: (count, content) for batch, count, content in rows}


def expire_snapshots(lake: duckdb.DuckDBPyConnection, days: int) -> None:
    """Let states of the lake go that are older; files that none needs any more, and those of killed runs, a day later."""
    lake.execute(f"call ducklake_expire_snapshots('{LAKE}', older_than => now() - to_days(?))", [days])
    lake.execute(f"call ducklake_cleanup_old_files('{LAKE}', older_than => now() - {_GRACE})")
    lake.execute(f"call ducklake_delete_orphaned_files('{LAKE}', older_than => now() - {_GRACE})")


def empty(catalog: Catalog, schemas: Collection[str]) -> None:
    """Take out of lake, catalogue and snapshots every byte of what clientela wrote there: the next run writes it anew.

    schemas: those of the warehouse. What others keep beside them in the lake stays, but for its earlier snapshots.
    """
    with duckdb.connect() as connection:
        attach(connection, catalog)
        try:
            _drop_all(connection, schemas)
            connection.execute(f"call ducklake_expire_snapshots('{LAKE}', older_than => now())")
            connection.execute(f"call ducklake_cleanup_old_files('{LAKE}', cleanup_all => true)")
        except duckdb.Error as error:
            raise NotPublishedError(f"The lake cannot be emptied: {_without_connection(error, catalog.url)}") from None
    # files of killed runs, which no snapshot knows of
    for schema in schemas:
        shutil.rmtree(catalog.folder / schema, ignore_errors=True)
    _vacuum(catalog)


def _drop_all(connection: duckdb.DuckDBPyConnection, schemas: Collection[str]) -> None:
    listed = list(schemas)
    with transaction(connection):
        for kind in ("view", "table"):
            for schema, name in connection.execute(
                f"select schema_name, {kind}_name from duckdb_{kind}s() "
                f"where database_name = '{LAKE}' and list_contains(?, schema_name)",
                [listed],
            ).fetchall():
                connection.execute(f"drop {kind} {LAKE}.{quoted(schema)}.{quoted(name)}")


def _vacuum(catalog: Catalog) -> None:
    """PostgreSQL keeps deleted rows, lowest and highest values of columns among them, until it is told to write anew."""
    with _opened_catalog(catalog) as (connection, tables):
        for table in tables:
            connection.execute(
                "call postgres_execute('catalog', ?, use_transaction => false)",
                [f"vacuum (full, analyze) {quoted(catalog.schema)}.{quoted(table)}"],
            )


def found_in_catalog(catalog: Catalog, values: Sequence[str]) -> dict[str, int]:
    """Table of the catalogue → how many of the values are found in it; every table is there."""
    with _opened_catalog(catalog) as (connection, tables):
        return {
            table: connection.execute(
                f"""
                select count(*) from unnest(?) as sought(value)
                where exists (
                    select 1 from catalog.{quoted(catalog.schema)}.{quoted(table)} as held
                    where contains(cast(held as varchar), sought.value)
                )
                """,
                [list(values)],
            ).fetchall()[0][0]
            for table in tables
        }


@contextmanager
def _opened_catalog(catalog: Catalog) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[str]]]:
    """The catalogue's database, attached as `catalog`, and the tables of its schema."""
    with duckdb.connect() as connection:
        connection.execute(f"load {literal(str(extension_file('postgres_scanner')))}")
        try:
            connection.execute(f"attach {literal(catalog.url)} as catalog (type postgres)")
            tables = connection.execute(
                "select table_name from duckdb_tables() where database_name = 'catalog' and schema_name = ? order by 1",
                [catalog.schema],
            ).fetchall()
            yield connection, [name for (name,) in tables]
        except duckdb.Error as error:
            raise NotPublishedError(
                f"The lake's catalogue cannot be read: {_without_connection(error, catalog.url)}"
            ) from None


class LakeBuild(Build):
    """One pass over the steps: SQL in the lake's open transaction, the rest on the warehouse's connection."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        lake: duckdb.DuckDBPyConnection,
        steps: Sequence[Step],
        progress: Progress,
    ) -> None:
        super().__init__(connection, steps, progress, is_full_refresh=True)
        self._lake = lake
        self._in_lake = Build(lake, steps, progress, is_full_refresh=True)
        #: tables of the warehouse that the lake holds as they are
        self._shared: set[str] = set()
        schemas = {step.schema for step in steps if step.kind != "test"}
        schemas |= {source.partition(".")[0] for step in steps for source in step.sources}
        for schema in sorted(schemas):
            lake.execute(f"create schema if not exists {quoted(schema)}")

    def _attempt(self, step: Step) -> tuple[str, str, int]:
        if self._is_aborted():
            return "skipped", "", 0
        return super()._attempt(step)

    def _is_aborted(self) -> bool:
        """After an error the lake's transaction takes nothing more: what else would be built says nothing of itself."""
        try:
            self._lake.execute("select 1").fetchall()
        except duckdb.TransactionException:
            return True
        return False

    # ----------------------------------------------------------- kinds of node

    def _test(self, step: Step) -> tuple[str, str, int]:
        self._share_sources(step)
        return self._in_lake._test(step)

    def _seed(self, step: Step) -> None:
        super()._seed(step)
        self._give(step.schema, step.name)

    def _run_python(self, step: Step) -> None:
        super()._run_python(step)
        self._give(step.schema, step.name)

    def _build(self, step: Step) -> None:
        self._share_sources(step)
        self._in_lake._make(step)
        if step.materialized == "view":
            super()._build(step)
            return
        with self._replacing(step):
            self._pass(self._lake, self._connection, step.schema, step.name)
            self._hold_to_contract(step, "table")

    # ------------------------------------------------------------------ inner

    def _share_sources(self, step: Step) -> None:
        """Write what the step reads of the warehouse, the first time that any reads it. Batches are there already."""
        for source in step.sources:
            if source not in self._shared:
                schema, _, name = source.partition(".")
                if schema != "raw" or (schema, name) not in self._in_lake._there:
                    self._give(schema, name)
                self._shared.add(source)

    def _give(self, schema: str, name: str) -> None:
        if kind := self._in_lake._there.get((schema, name)):
            self._lake.execute(f"drop {kind} {quoted(schema)}.{quoted(name)}")
        self._pass(self._connection, self._lake, schema, name)
        self._in_lake._there[schema, name] = "table"

    @staticmethod
    def _pass(given: duckdb.DuckDBPyConnection, taking: duckdb.DuckDBPyConnection, schema: str, name: str) -> None:
        """Make a table of one database in the other: neither sees what the other's transaction has done."""
        table = f"{quoted(schema)}.{quoted(name)}"
        given.execute("set arrow_lossless_conversion = true")
        try:
            with given.sql(f"select * from {table}").to_arrow_reader() as rows:
                taking.register("rows_that_come", rows)
                taking.execute(f"create table {table} as select * from rows_that_come")
                taking.unregister("rows_that_come")
        finally:
            given.execute("reset arrow_lossless_conversion")
