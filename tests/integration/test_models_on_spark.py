"""Spark understands every model and test as dbt compiled it for Spark, and each mart has the types of its contract there.

Analysed on tables without rows, and the macros that are written twice on a few values. Skipped where Java, pyspark or dbt-spark
is not there; `pip install 'clientela[spark]'` brings the two packages.
"""

import shutil
from collections.abc import Iterator
from datetime import date
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import pytest
from jinja2.sandbox import SandboxedEnvironment

from clientela import transform
from clientela.build_models import Build
from clientela.compiled_models import Step
from clientela.engines.lake import Lake
from clientela.retention.month_ends import Company as JudgedBeside
from clientela.retention.month_ends import states_of
from clientela.retention.settings import RetentionSettings
from clientela.sql.quoting import quoted
from clientela.warehouse.customer_blocks import CustomerBlocks
from tests.conftest import ROOT, Company

LACKING = [name for name in ("pyspark", "dbt.adapters.spark") if find_spec(name) is None]
if shutil.which("java") is None:
    LACKING.append("java")
pytestmark = pytest.mark.skipif(bool(LACKING), reason=f"not on this machine: {', '.join(LACKING)}")

#: for tables without rows: what Java or Spark would do for speed costs more than it gains
OPTIONS = {
    "spark.driver.memory": "1g",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.defaultJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


class Analysis:
    """The catalogue of a Spark session, filled with tables without rows in the order of the steps."""

    def __init__(self, spark: Any, warehouse: duckdb.DuckDBPyConnection) -> None:
        self._spark = spark
        self._warehouse = warehouse
        self._known: set[str] = set()
        self._schemas: set[str] = set()

    def of(self, step: Step) -> str:
        """What Spark has against the step; empty if nothing."""
        from clientela.engines.spark import held_to_contract

        for source in step.sources:
            if source not in self._known:
                self._copy(source)
        if step.kind == "seed" or step.language == "python":
            self._copy(f"{step.schema}.{step.name}")
            return ""
        try:
            rows = self._spark.sql(step.sql)
            if step.kind == "model":
                self._make(step.relation, held_to_contract(step, rows).schema)
        except Exception as error:
            if step.kind == "model":
                self._copy(f"{step.schema}.{step.name}")
            return f"{step.path}: {str(error).strip().splitlines()[0]}"
        return ""

    def _copy(self, relation: str) -> None:
        """A table as the night left it in the warehouse."""
        from pyspark.sql.pandas.types import from_arrow_schema

        name = ".".join(quoted(part) for part in relation.split("."))
        arrow = self._warehouse.sql(f"select * from {name} limit 0").to_arrow_table().schema
        self._make(relation, from_arrow_schema(arrow, prefer_timestamp_ntz=True))

    def _make(self, relation: str, schema: Any) -> None:
        database = relation.partition(".")[0]
        if database not in self._schemas:
            self._spark.sql(f"create database {database}")
            self._schemas.add(database)
        columns = ", ".join(f"`{field.name}` {field.dataType.simpleString()}" for field in schema.fields)
        self._spark.sql(f"create table {relation} ({columns}) using parquet")
        self._known.add(relation)


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from clientela.engines.spark import Cluster, session

    with session(Cluster("local[1]", OPTIONS), tmp_path_factory.mktemp("spark")) as spark:
        yield spark


def macro(file: str, name: str, *arguments: str) -> str:
    """What a macro of dbt/macros makes of these arguments."""
    text = (ROOT / "dbt" / "macros" / file).read_text(encoding="utf-8")
    source = {"source": lambda schema, table: table}
    module = SandboxedEnvironment(extensions=["jinja2.ext.do"]).from_string(text, globals=source).module
    return str(getattr(module, name)(*arguments))


def test_spark_understands_every_model_and_every_test(spark: Any, first_night: Path) -> None:
    steps = transform.compiled("spark").steps
    with duckdb.connect(str(Company(first_night).config.warehouse), read_only=True) as warehouse:
        analysis = Analysis(spark, warehouse)
        wrong = [found for step in steps if (found := analysis.of(step))]
    assert not wrong, "\n".join(wrong)
    assert {step.unique_id for step in steps} == {step.unique_id for step in transform.compiled().steps}


def test_a_key_is_the_same_number_on_both_engines(spark: Any) -> None:
    texts = [f"till|{number}" for number in range(40)]
    values = ", ".join(f"('{text}')" for text in texts)
    for_spark, for_duckdb = (
        macro("surrogate_key.sql", f"{engine}__first_63_bits_of_md5", "name") for engine in ("spark", "default")
    )
    query = "select name, {} from (values {}) as named(name) order by name"
    on_spark = [tuple(row) for row in spark.sql(query.format(for_spark, values)).collect()]
    assert on_spark == duckdb.sql(query.format(for_duckdb, values)).fetchall()
    assert max(key for _, key in on_spark) > 2**62, "keys beyond half of what fits are among them"


def test_the_day_of_an_instant_hangs_on_the_company_s_zone_alone(spark: Any) -> None:
    instants = ("2026-01-05 22:30:00+00", "2026-01-05 23:30:00+00", "2026-03-29 00:30:00+00", "2026-07-01 21:59:59+00")
    spark.sql("select 'Europe/Madrid' as time_zone").createOrReplaceTempView("context")
    days = []
    for zone in ("UTC", "Pacific/Auckland"):
        spark.conf.set("spark.sql.session.timeZone", zone)
        rows = " union all ".join(f"select timestamp'{instant}' as at" for instant in instants)
        query = f"select cast({macro('time.sql', 'spark__local_date', 'at')} as string) from ({rows}) as told"
        days.append([row[0] for row in spark.sql(query).collect()])
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    assert days == [["2026-01-05", "2026-01-06", "2026-03-29", "2026-07-01"]] * 2


def test_minutes_are_counted_as_duckdb_counts_them(spark: Any) -> None:
    pairs = (("10:00:59", "10:01:00"), ("10:00:00", "10:00:59"), ("09:59:30", "11:30:29"), ("10:01:00", "10:00:59"))
    instants = ", ".join(f"(timestamp'2026-01-05 {first}', timestamp'2026-01-05 {then}')" for first, then in pairs)
    query = f"select {macro('time.sql', 'spark__minutes_from', 'first', 'second')} from values {instants} as t(first, second)"
    on_duckdb = [
        duckdb.sql(f"select date_diff('minute', timestamp '2026-01-05 {a}', timestamp '2026-01-05 {b}')").fetchall()[0][
            0
        ]
        for a, b in pairs
    ]
    assert [row[0] for row in spark.sql(query).collect()] == on_duckdb == [1, 0, 91, -1]


def test_a_step_by_blocks_makes_on_the_workers_what_it_makes_here(spark: Any, tmp_path: Path) -> None:
    from clientela.engines.spark import SparkBuild

    warehouse = duckdb.connect()
    day = "date '2024-01-05' + (k * 7 % 700)::int as ordered_on"
    warehouse.execute(f"create table bought as select k % 50 as customer_id, {day} from range(300) as days(k)")
    read = {
        "purchase_days": warehouse.sql("select customer_id, ordered_on from bought where customer_id % 3 > 0"),
        "return_days": warehouse.sql("select customer_id, ordered_on from bought where customer_id = 6"),
        "contracts": warehouse.sql(
            "select 3::bigint as customer_id, date '2024-02-01' as started_on, null::date as ends_on, "
            "null::date as cancelled_on, null::varchar as cancelled_by"
        ),
    }
    blocks = CustomerBlocks(warehouse, warehouse.sql("select distinct customer_id from bought"), read, 20)
    begun = [date(2024, 1, 5)] * 2
    company = JudgedBeside.of(date(2025, 12, 31), 90, begun, begun, RetentionSettings())
    made = blocks.made(partial(states_of, company.knowing(blocks.frames("purchase_days"))))
    lake = Lake(tmp_path / "lake")
    lake.open()
    SparkBuild(warehouse, [], lambda *_: None, spark, lake, [])._write("main", "on_spark", made)
    Build(warehouse, [], lambda *_: None, True)._write("main", "here", made)
    on_spark, here = (warehouse.sql(f"select * from {name}").pl() for name in ("on_spark", "here"))
    assert len(blocks.bounds) == 3 and here["customer_id"].n_unique() == 35
    assert on_spark.equals(here)
    assert not [path for path in lake.folder.rglob("*") if path.is_file()], "nothing of a customer stays in the lake"


def test_a_worker_without_clientela_is_told_of() -> None:
    from pyspark.errors import PySparkException

    from clientela.engines.spark import _cause

    error = PySparkException("Traceback of the worker\nModuleNotFoundError: No module named 'clientela'\n")
    assert _cause(error).startswith("No module named 'clientela' on a worker. Install clientela there")
    assert "Traceback" not in _cause(PySparkException("Traceback: Perez owes 5", errorClass="PYTHON_EXCEPTION"))
