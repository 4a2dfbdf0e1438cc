"""Building the models on Spark: what dbt compiled for it runs on a cluster, node by node, and comes back as tables.

DuckDB keeps what it is good at: it loads and judges, runs the Python steps but those that take customers a block at a time,
holds memory and publishes. So every table of the warehouse that a model reads is copied into the lake when it is first read, and
every table that Spark makes is read back. Each
model is made whole: building upon the last run is DuckDB's. A view is a table on Spark, or each who reads it would plan and
compute it again; in the warehouse it stays a view. pyspark is imported when a session starts, never before.
"""

import logging
import os
import re
import shutil
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from clientela import stopping
from clientela.build_models import Build, Database, NodeResult, Progress
from clientela.compiled_models import Compiled, Step
from clientela.engines.lake import Lake
from clientela.engines.spark_blocks import rows_by_block
from clientela.errors import ConfigError, NotPublishedError
from clientela.extras import require_extra
from clientela.sql.quoting import quoted
from clientela.warehouse.customer_blocks import MadeByBlock

#: settings of every session, whatever the company adds: one calendar, exact dates and money, no catalogue on disk, no page
SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.ansi.enabled": "true",
    # a product of decimals keeps its scale, and ends the night where it does not fit
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.mapKeyDedupPolicy": "EXCEPTION",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
_NO_LOG = """appenders = none
appender.none.type = Null
appender.none.name = none
rootLogger.level = off
rootLogger.appenderRefs = none
rootLogger.appenderRef.none.ref = none
"""
#: types of contracts as Spark calls them
_TYPES = {"varchar": "string", "timestamptz": "timestamp", "timestamp with time zone": "timestamp", "integer": "int"}
#: a narrower integer is the same number
_WIDER = {("int", "bigint"), ("smallint", "int"), ("smallint", "bigint")}
#: a Python on a worker that lacks a package
_LACKING = re.compile(r"ModuleNotFoundError: (No module named '[\w.]+')")
_DELETION = re.compile(r"\s*delete\s+from\s+(\S+)\s+where\s+(.+?)\s*$", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Cluster:
    """The master that a session asks for cores, and Spark's settings beside ours."""

    master: str
    options: Mapping[str, str]


def build(
    compiled: Compiled,
    for_spark: Compiled,
    database: Database,
    lake: Lake,
    cluster: Cluster,
    progress: Progress | None = None,
    *,
    only: Collection[str] | None = None,
) -> list[NodeResult]:
    """Build and test all of them, or those that `only` names; results in the order of the steps. It raises for none that failed.

    compiled, for_spark: the same project in DuckDB's SQL and in Spark's. The lake is opened here, and gone at the end.
    """
    taken = [step for step in compiled.steps if only is None or step.unique_id in only]
    connection = database.connect()
    try:
        lake.open()
        with session(cluster, lake.folder) as spark:
            building = SparkBuild(connection, taken, progress or (lambda *_: None), spark, lake, for_spark.steps)
            with stopping.interrupting(connection.interrupt), stopping.interrupting(spark.sparkContext.cancelAllJobs):
                return building.take()
    finally:
        connection.close()
        lake.close()


def require(cluster: Cluster) -> None:
    """Raise ConfigError, which says what is wrong, if no session of it can be started from this machine."""
    if taken := sorted(cluster.options.keys() & SESSION.keys()):
        raise ConfigError(f"engine.options: {taken[0]} is clientela's own to set: figures rest on it. Leave it out.")
    require_extra("spark", "engine: {kind: spark}", "pyspark", "dbt.adapters.spark")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        raise ConfigError("engine: {kind: spark} needs Java 17 or later: there is no `java` on this machine's path.")


@contextmanager
def session(cluster: Cluster, scratch: Path) -> Iterator[Any]:
    """A Spark session whose own files lie in `scratch`. Raises NotPublishedError where it cannot be started."""
    from pyspark.sql import SparkSession

    # what Spark logs quotes rows and statements: what went wrong is in the run's own words, and in the cluster's own logs
    logging.getLogger("SQLQueryContextLogger").disabled = True
    log = scratch / "log4j2.properties"
    log.write_text(_NO_LOG, encoding="utf-8")
    settings = {
        "spark.sql.warehouse.dir": (scratch / "warehouse").as_uri(),
        "spark.driver.defaultJavaOptions": f"-Dlog4j2.configurationFile={log.as_uri()}",
        **cluster.options,
        **SESSION,
    }
    builder = SparkSession.builder.master(cluster.master).appName("clientela")
    for name, value in settings.items():
        builder = builder.config(name, value)
    java_log = scratch / "java.log"
    try:
        with _standard_error(java_log):
            spark = builder.getOrCreate()
    except Exception as error:
        lines = java_log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise NotPublishedError(
            f"Spark cannot be started with master {cluster.master}: {_cause(error)}", "\n".join(lines[-20:])
        ) from error
    # what runs Python steps on the workers: spark-submit would read the setting, a session does not
    spark.sparkContext.pythonExec = cluster.options.get(
        "spark.pyspark.python", os.environ.get("PYSPARK_PYTHON", sys.executable)
    )
    try:
        yield spark
    finally:
        spark.stop()


@contextmanager
def _standard_error(path: Path) -> Iterator[None]:
    """What this process and its children write on standard error goes to the file: Java says things that nobody asked for."""
    before = os.dup(2)
    try:
        with path.open("wb") as file:
            os.dup2(file.fileno(), 2)
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)


class SparkBuild(Build):
    """One pass over the steps: SQL on Spark, the rest on DuckDB's connection."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        steps: Sequence[Step],
        progress: Progress,
        spark: Any,
        lake: Lake,
        for_spark: Sequence[Step],
    ) -> None:
        super().__init__(connection, steps, progress, is_full_refresh=True)
        self._spark = spark
        self._lake = lake
        self._on_spark = {step.unique_id: step for step in for_spark}
        #: tables of the warehouse that Spark knows
        self._shared: set[str] = set()
        made = {step.schema for step in for_spark if step.kind != "test"}
        read = {source.partition(".")[0] for step in for_spark for source in step.sources}
        for schema in sorted(made | read):
            self._spark.sql(f"create database {schema}")

    # ----------------------------------------------------------- kinds of node

    def _test(self, step: Step) -> tuple[str, str, int]:
        its = self._on_spark[step.unique_id]
        self._share_sources(its)
        failures = int(self._of_spark(f"select count(*) from (\n{its.sql}\n) as found").collect()[0][0])
        return self._verdict(step, failures)

    def _seed(self, step: Step) -> None:
        super()._seed(step)
        self._share(step.schema, step.name)

    def _run_python(self, step: Step) -> None:
        super()._run_python(step)
        self._share(step.schema, step.name)

    def _write(self, schema: str, name: str, answer: Any) -> None:
        if not isinstance(answer, MadeByBlock):
            super()._write(schema, name, answer)
            return
        path, read = self._lake.path(schema, name), self._lake.path("blocks", name)
        try:
            rows_by_block(self._spark, answer, read).write.mode("overwrite").parquet(path.as_uri())
        except Exception as error:
            raise RuntimeError(_cause(error)) from error
        self._lake.read(self._connection, schema, name, ())
        if answer.below is not None:
            self._connection.register("rows_below", answer.below.to_arrow())
            table = f"{quoted(schema)}.{quoted(name)}"
            self._connection.execute(f"insert into {table} by name select * from rows_below")
            self._connection.unregister("rows_below")
        for folder in (path, read):
            shutil.rmtree(folder)

    def _build(self, step: Step) -> None:
        its = self._on_spark[step.unique_id]
        self._share_sources(its)
        path = self._lake.path(step.schema, step.name)
        rows = held_to_contract(its, without_deleted(its, self._of_spark(its.sql)))
        try:
            rows.write.mode("overwrite").parquet(path.as_uri())
        except Exception as error:
            raise RuntimeError(_cause(error)) from error
        self._know(its.relation, path)
        if step.materialized == "view":
            super()._build(step)
            return
        with self._replacing(step):
            self._lake.read(self._connection, step.schema, step.name, self._types_on_duckdb(step))
            self._hold_to_contract(step, "table")

    # ------------------------------------------------------------------ inner

    def _of_spark(self, sql: str) -> Any:
        try:
            return self._spark.sql(sql)
        except Exception as error:
            raise RuntimeError(_cause(error)) from error

    def _types_on_duckdb(self, step: Step) -> list[tuple[str, str]]:
        """The columns as the warehouse would have made them: whole numbers and decimals are as wide as Python steps expect."""
        described = self._connection.execute(f"describe {step.sql}").fetchall()
        return [(name, sql_type) for name, sql_type, *_ in described]

    def _share_sources(self, step: Step) -> None:
        """Copy what the step reads of the warehouse, the first time that any reads it."""
        for source in step.sources:
            if source not in self._shared:
                self._share(*source.split("."))
                self._shared.add(source)

    def _share(self, schema: str, name: str) -> None:
        self._know(f"{schema}.{name}", self._lake.write(self._connection, schema, name))

    def _know(self, relation: str, path: Path) -> None:
        self._of_spark(f"drop table if exists {relation}")
        self._of_spark(f"create table {relation} using parquet location '{path.as_uri()}'")


def without_deleted(step: Step, rows: Any) -> Any:
    """The rows without those that the model deletes at its end: Parquet is written once."""
    for statement in step.after:
        if not statement.strip():
            continue
        found = _DELETION.match(statement)
        if not found or found[1] != step.relation:
            raise ValueError(f"Spark cannot do what the model does at its end: {statement.strip()}")
        rows = rows.filter(f"not coalesce({found[2]}, false)")
    return rows


def spark_type(sql_type: str) -> str:
    """A contract's type as Spark spells it."""
    return _TYPES.get(sql_type.lower(), sql_type.lower().replace(" ", ""))


def held_to_contract(step: Step, rows: Any) -> Any:
    """The rows with the columns that the contract states, in its order. Raises ValueError where others come."""
    if not step.columns:
        return rows
    held = {field.name: field.dataType.simpleString() for field in rows.schema.fields}
    stated = {name: spark_type(sql_type) for name, sql_type in step.columns}
    wrong = [
        f"{name} is {held.get(name, 'not there')}, the contract says {stated.get(name, 'nothing of it')}"
        for name in {**stated, **held}
        if held.get(name) != stated.get(name) and (held.get(name), stated.get(name)) not in _WIDER
    ]
    if wrong:
        raise ValueError(f"The model does not keep its contract on Spark: {'; '.join(wrong)}.")
    return rows.select(*(rows[name].cast(sql_type).alias(name) for name, sql_type in stated.items()))


def _cause(error: BaseException) -> str:
    """What Spark says, in a line. Of what went wrong with a value its condition alone: the sentence quotes it."""
    from pyspark.errors import AnalysisException, ParseException, PySparkException

    if isinstance(error, (AnalysisException, ParseException)) or not isinstance(error, PySparkException):
        return str(error).strip().splitlines()[0][:500] if str(error).strip() else type(error).__name__
    if lacking := _LACKING.search(str(error)):
        return (
            f"{lacking[1]} on a worker. Install clientela there, of this version, and name its Python in engine.options: "
            "spark.pyspark.python."
        )
    # Spark 3.5 calls it a class
    condition = getattr(error, "getCondition", error.getErrorClass)
    return str(condition() or str(error).strip().splitlines()[0].split(":")[0])[:200]
