"""Building the models: DuckDB executes what dbt compiled, node by node, as `dbt build` would.

Each node is a transaction: one that fails leaves what was there, and what needs it is skipped, a model whose test failed
included. What the models compute is in `models/`; what dbt makes of them, in `clientela.compiled_models`.
"""

import linecache
import time
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import duckdb

from clientela import stopping
from clientela.compiled_models import Compiled, Step
from clientela.masking import failure_without_values
from clientela.project_files import PROJECT
from clientela.sql.quoting import literal, quoted
from clientela.warehouse.transactions import transaction

#: called where a node begins and where it ends: `begin` or `node`, its name, and what there is to say
Progress = Callable[[str, str, str], None]
_FAILED = ("error", "fail", "runtime error")


@dataclass(frozen=True)
class NodeResult:
    """How one model, seed or test came out. `failures` are rows that a test found."""

    unique_id: str
    kind: str
    name: str
    status: str
    seconds: float
    message: str
    failures: int

    @property
    def has_failed(self) -> bool:
        """It stops publication."""
        return self.status in _FAILED

    @property
    def cause(self) -> str:
        """What went wrong, in a line: a heading comes before it, and of a Python model the traceback."""
        lines = [line.strip() for line in self.message.splitlines() if line.strip()] or [self.status]
        return lines[-1] if "Python model failed:" in lines else lines[min(1, len(lines) - 1)]

    @property
    def is_up_to_date(self) -> bool:
        """It was built, or is cached: as it would be built."""
        return self.status in ("success", "cached")


@dataclass(frozen=True)
class Database:
    """The file to build in, how DuckDB opens it, and what each connection to it is told."""

    path: str
    options: Mapping[str, str]
    settings: Mapping[str, str]
    #: other files that the models read, by the name that they are attached with
    attached: Mapping[str, str]

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Open it."""
        connection = duckdb.connect(self.path, config=dict(self.options))
        for name, value in self.settings.items():
            connection.execute(f"set {name} = {literal(value)}")
        for alias, path in self.attached.items():
            connection.execute(f"attach {literal(path)} as {quoted(alias)} (read_only)")
        return connection


def build(
    compiled: Compiled,
    database: Database,
    progress: Progress | None = None,
    *,
    is_full_refresh: bool,
    only: Collection[str] | None = None,
) -> list[NodeResult]:
    """Build and test; results in the order of the steps. It raises for none that failed.

    is_full_refresh: all of them, incremental ones anew. Otherwise what data change: seeds and views are cached. `only`
    names the nodes to take, where it is not all of them.
    """
    chosen = [step for step in compiled.steps if only is None or step.unique_id in only]
    taken = [step for step in chosen if is_full_refresh or not step.is_cached]
    connection = database.connect()
    try:
        with stopping.interrupting(connection.interrupt):
            return Build(connection, taken, progress or (lambda *_: None), is_full_refresh).take()
    finally:
        connection.close()


class Build:
    """One pass over the steps on one connection."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, steps: Sequence[Step], progress: Progress, is_full_refresh: bool
    ) -> None:
        self._connection = connection
        self._steps = steps
        self._progress = progress
        self._is_full_refresh = is_full_refresh
        #: schema and name → `table` or `view`, of what is there
        self._there = {
            (schema, name): kind
            for schema, name, kind in connection.execute(
                """
                select schema_name, table_name, 'table' from duckdb_tables() where database_name = current_database()
                union all
                select schema_name, view_name, 'view' from duckdb_views() where database_name = current_database()
                """
            ).fetchall()
        }

    def take(self) -> list[NodeResult]:
        """All steps, in their order."""
        for schema in sorted({step.schema for step in self._steps if step.kind != "test"}):
            self._connection.execute(f"create schema if not exists {quoted(schema)}")
        results: dict[str, NodeResult] = {}
        for number, step in enumerate(self._steps, 1):
            stopping.check()
            lacking = any(
                need in results and (results[need].has_failed or results[need].status == "skipped")
                for need in step.needs
            )
            if lacking:
                results[step.unique_id] = _result(step, "skipped", 0.0)
                continue
            self._progress("begin", step.name, f"{number} of {len(self._steps)}")
            began = time.perf_counter()
            status, message, failures = self._attempt(step)
            result = _result(step, status, time.perf_counter() - began, message, failures)
            results[step.unique_id] = result
            said = {"success": "OK", "error": "ERROR"}.get(status, status) if step.kind == "model" else status
            self._progress("node", step.name, f"{step.kind} {said} {result.seconds:.2f}")
        return list(results.values())

    def _attempt(self, step: Step) -> tuple[str, str, int]:
        """Status, message and failing rows of one step; what goes wrong with it is its status."""
        try:
            if step.kind == "test":
                return self._test(step)
            if step.kind == "seed":
                self._seed(step)
            elif step.language == "python":
                self._run_python(step)
            else:
                self._build(step)
        except Exception as error:
            stopping.check()
            return "error", f"Runtime Error in {step.kind} {step.name} ({step.path})\n  {error}", 0
        return "success", "", 0

    # ----------------------------------------------------------- kinds of node

    def _test(self, step: Step) -> tuple[str, str, int]:
        return self._verdict(
            step, int(self._connection.execute(f"select count(*) from (\n{step.sql}\n)").fetchall()[0][0])
        )

    def _verdict(self, step: Step, failures: int) -> tuple[str, str, int]:
        if not failures:
            return "pass", "", 0
        found = f"Got {failures} result{'s' if failures != 1 else ''}"
        if step.is_warning:
            return "warn", f"{found}, configured to warn if != 0", failures
        return "fail", f"{found}, configured to fail if != 0", failures

    def _seed(self, step: Step) -> None:
        columns = ", ".join(f"{quoted(name)} {sql_type}" for name, sql_type in step.columns)
        with self._replacing(step):
            self._connection.execute(f"create table {step.relation} ({columns})")
            self._connection.execute(
                f"copy {step.relation} from {literal(str(PROJECT / step.path))} (format csv, header true, delimiter ',')"
            )

    def _build(self, step: Step) -> None:
        with transaction(self._connection):
            self._make(step)

    def _make(self, step: Step) -> None:
        """The model, with what it asks for before and after, in whatever transaction is open."""
        kind = "view" if step.materialized == "view" else "table"
        is_upon = (
            step.materialized == "incremental"
            and not self._is_full_refresh
            and self._there.get((step.schema, step.name)) == "table"
        )
        self._run_all(step.before_upon if is_upon else step.before)
        if is_upon and step.unique_key:
            self._merge(step)
        elif is_upon:
            self._connection.execute(f"insert into {step.relation} by name (\n{step.sql_upon}\n)")
        else:
            self._drop(step)
            self._connection.execute(f"create {kind} {step.relation} as (\n{step.sql}\n)")
            self._hold_to_contract(step, kind)
        self._run_all(step.after)
        self._there[step.schema, step.name] = kind

    def _run_python(self, step: Step) -> None:
        """A model may write with a cursor of its own, which sees no open transaction: it builds beside, and is renamed."""
        beside = f"{quoted(step.schema)}.{quoted(f'{step.name}__beside')}"
        self._connection.execute(f"drop table if exists {beside}")
        try:
            self._write(step.schema, f"{step.name}__beside", self._answer_of(step))
        except Exception as error:
            stopping.check()
            raise RuntimeError(f"Python model failed:\n{''.join(traceback.format_exception(error))}") from error
        finally:
            # a connection that is no good any more must not hide why
            with suppress(duckdb.Error):
                self._drop_temporary()
        with self._replacing(step):
            self._connection.execute(f"alter table {beside} rename to {quoted(step.name)}")

    def _drop_temporary(self) -> None:
        """What a Python model put aside goes with it."""
        for (name,) in self._connection.execute("select table_name from duckdb_tables() where temporary").fetchall():
            self._connection.execute(f"drop table temp.{quoted(name)}")

    def _write(self, schema: str, name: str, answer: Any) -> None:
        """A new table of what a Python model gave."""
        # rows that the model makes while they are written may be read with the connection that the model has
        writer = self._connection if isinstance(answer, duckdb.DuckDBPyRelation) else self._connection.cursor()
        writer.register("answer_of_the_model", answer)
        writer.execute(f"create table {quoted(schema)}.{quoted(name)} as select * from answer_of_the_model")
        writer.unregister("answer_of_the_model")

    def _answer_of(self, step: Step) -> Any:
        module = ModuleType(step.name)
        name = f"<{step.path}>"
        linecache.cache[name] = (len(step.sql), None, step.sql.splitlines(keepends=True), name)
        exec(compile(step.sql, name, "exec"), module.__dict__)
        asked = module.dbtObj(lambda table: self._connection.query(f"select * from {table}"))
        return module.model(asked, self._connection)

    # ------------------------------------------------------------------ inner

    def _run_all(self, statements: Sequence[str]) -> None:
        for statement in statements:
            self._connection.execute(statement)

    @contextmanager
    def _replacing(self, step: Step) -> Iterator[None]:
        """A table is made in it, in place of what is there."""
        with transaction(self._connection):
            self._drop(step)
            yield
        self._there[step.schema, step.name] = "table"

    def _drop(self, step: Step) -> None:
        if kind := self._there.get((step.schema, step.name)):
            self._connection.execute(f"drop {kind} if exists {step.relation}")

    def _merge(self, step: Step) -> None:
        """Rows of the same key are replaced, others added."""
        come = quoted(f"{step.name}__come")
        self._connection.execute(f"create temporary table {come} as (\n{step.sql_upon}\n)")
        self._connection.execute(
            f"""
            merge into {step.relation} as there using {come} as come
            on come.{quoted(step.unique_key)} = there.{quoted(step.unique_key)}
            when matched then update by name
            when not matched then insert by name
            """
        )
        self._connection.execute(f"drop table {come}")

    def _hold_to_contract(self, step: Step, kind: str) -> None:
        """Its columns are those that its YAML states, of these types; those of a table also in this order."""
        if not step.columns:
            return
        held = dict(row[:2] for row in self._connection.execute(f"describe {step.relation}").fetchall())
        stated = {name: str(duckdb.sqltype(sql_type)) for name, sql_type in step.columns}
        if held != stated:
            named = (name for name in {**stated, **held} if held.get(name) != stated.get(name))
            wrong = "; ".join(
                f"{name} is {held.get(name, 'not there')}, the contract says {stated.get(name, 'nothing of it')}"
                for name in named
            )
            raise ValueError(f"The model does not keep its contract: {wrong}.")
        if kind == "table" and list(held) != list(stated):
            beside = quoted(f"{step.name}__beside")
            self._connection.execute(f"alter table {step.relation} rename to {beside}")
            columns = ", ".join(quoted(name) for name in stated)
            there = f"{quoted(step.schema)}.{beside}"
            self._connection.execute(f"create table {step.relation} as select {columns} from {there}")
            self._connection.execute(f"drop table {there}")


def _result(step: Step, status: str, seconds: float, message: str = "", failures: int = 0) -> NodeResult:
    return NodeResult(step.unique_id, step.kind, step.name, status, seconds, failure_without_values(message), failures)
