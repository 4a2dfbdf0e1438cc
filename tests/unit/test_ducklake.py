"""The lake that several writers share: asked for in the configuration, checked first, written so that it may be written again.

DuckLake itself is in `make prove PART=ducklake`. Here a second file of DuckDB stands for the lake: the same statements, the
same transactions.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
import yaml

from clientela import transform
from clientela.build_models import Database
from clientela.compiled_models import Compiled, Step
from clientela.config.company import Config
from clientela.engines import ducklake
from clientela.errors import ConfigError, NotPublishedError
from clientela.pipeline.leftovers import remove_leftovers
from clientela.places import OUTSIDE, SCHEMAS, Kind
from clientela.privacy import forget
from clientela.privacy.search import search_all
from tests.conftest import ROOT, Company

IN_LAKE = {"kind": "ducklake", "lake": "shared", "connection_env": "LAKE_CATALOG"}
URL = "postgresql://lake:hunter2%20secret@127.0.0.1:1/lake"


def in_lake(company: Company, **more: object) -> Config:
    company.change(lambda settings: settings.update(engine={**IN_LAKE, **more}))
    return company.config


def catalog(folder: Path) -> ducklake.Catalog:
    return ducklake.Catalog("LAKE_CATALOG", "clientela", folder / "lake", 7)


# --------------------------------------------------------------- configuration


@pytest.mark.parametrize(
    ("engine", "sentence"),
    [
        ({"kind": "ducklake"}, "needs `connection_env`"),
        ({"kind": "ducklake", "lake": "shared"}, "needs `connection_env`"),
        ({**IN_LAKE, "master": "local[2]"}, "master and options are Spark's"),
        ({"kind": "duckdb", "lake": "shared"}, "lake is Spark's and DuckLake's"),
        ({"kind": "spark", "connection_env": "LAKE_CATALOG"}, "are DuckLake's"),
        ({"kind": "duckdb", "snapshot_days": 3}, "are DuckLake's"),
        ({**IN_LAKE, "connection_env": URL}, "write the name of an environment variable"),
    ],
)
def test_an_engine_is_asked_for_with_what_it_needs_and_nothing_else(
    shop: Company, engine: dict[str, object], sentence: str
) -> None:
    shop.change(lambda settings: settings.update(engine=engine))
    with pytest.raises(ConfigError) as caught:
        _ = shop.config
    assert sentence in str(caught.value) and "hunter2" not in f"{caught.value}{vars(caught.value)}"


def test_where_the_lake_is_changes_no_figure(shop: Company) -> None:
    alone = shop.config.fingerprint()
    one = in_lake(shop).fingerprint()
    assert one == in_lake(shop, lake="/mnt/lake", catalog_schema="shop", snapshot_days=30).fingerprint() != alone
    assert shop.config.lake == Path("/mnt/lake/shop")


def test_the_configuration_in_the_documentation_is_one(shop: Company) -> None:
    page = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    (text,) = [part for part in page.split("```") if part.startswith("yaml") and "kind: ducklake" in part]
    shop.change(lambda settings: settings.update(yaml.safe_load(text.removeprefix("yaml"))))
    assert shop.config.engine.kind == "ducklake" and shop.config.engine.connection_env == "CLIENTELA_LAKE"


# ------------------------------------------------------- what is on this machine


def on_this_machine(monkeypatch: pytest.MonkeyPatch, *missing: str, version: str = ducklake.DUCKDB_VERSION) -> None:
    monkeypatch.setattr("clientela.extras.find_spec", lambda name: None if name in missing else object())
    monkeypatch.setattr("duckdb.__version__", version)


def test_a_missing_extension_is_said_before_anything_is_touched(shop: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    on_this_machine(monkeypatch, "duckdb_extension_ducklake")
    in_lake(shop)
    report = shop.night()
    assert report.exit_code == ConfigError.exit_code
    assert "needs `pip install 'clientela[ducklake]'`: duckdb_extension_ducklake is not installed" in str(
        report.message
    )
    assert not shop.config.warehouse.exists()


def test_another_duckdb_an_unset_variable_and_a_lake_in_the_data_folder_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_this_machine(monkeypatch, version="2.0.1")
    with pytest.raises(ConfigError, match=r"needs DuckDB 1\.5\.5, .* here is 2\.0\.1"):
        ducklake.require(catalog(tmp_path), tmp_path / "data")
    on_this_machine(monkeypatch)
    with pytest.raises(ConfigError, match="lies in the data folder"):
        ducklake.require(catalog(tmp_path), tmp_path)
    monkeypatch.delenv("LAKE_CATALOG", raising=False)
    with pytest.raises(ConfigError, match="LAKE_CATALOG is not set"):
        ducklake.require(catalog(tmp_path), tmp_path / "data")


@pytest.mark.parametrize(
    ("message", "repeated"),
    [
        (
            f'IO Error: Unable to connect to Postgres at "{URL}": connection to server at "127.0.0.1", port 1 failed: refused',
            'connection to server at "127.0.0.1", port 1 failed: refused',
        ),
        (f'IO Error: Unable to connect to Postgres at "{URL}": invalid', "see that it holds a connection"),
        ('IO Error: invalid port: "hunter2 secret"', "see that it holds a connection"),
        ("Invalid Input Error: DATA_PATH does not match", "Invalid Input Error: DATA_PATH does not match"),
        ("Error: Exceeded the retries. Failed to execute \"insert … 'hunter2@x.org'\"", "Error: Exceeded the retries"),
    ],
)
def test_what_the_catalogue_says_is_repeated_without_the_connection(message: str, repeated: str) -> None:
    answer = ducklake._without_connection(duckdb.Error(message), URL)
    assert answer.startswith(repeated) and "hunter2" not in answer


# ----------------------------------------------------------- what stays and goes


def test_the_lake_is_no_leftover_and_what_forgets_empties_it(shop: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    config = in_lake(shop)
    (config.lake / "raw").mkdir(parents=True)
    assert remove_leftovers(config) == [] and (config.lake / "raw").is_dir()
    emptied: list[object] = []
    monkeypatch.setattr("clientela.engines.ducklake.empty", lambda *asked: emptied.append(asked))
    forget.clean_data_folder(config)
    ((its, schemas),) = emptied
    assert its.folder == config.lake and {"raw", "memory", "staging", "customer"} <= set(schemas)


def test_a_proof_of_forgetting_looks_into_the_lake_and_its_catalogue(
    shop: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = in_lake(shop)
    (config.lake / "raw").mkdir(parents=True)
    (config.lake / "raw" / "of_a_killed_run.parquet").write_bytes(b"her@example.org")
    monkeypatch.setattr(
        "clientela.engines.ducklake.found_in_catalog", lambda _, values: {"ducklake_file_column_stats": len(values)}
    )
    assert search_all(config, ["her@example.org"]) == {
        "lake/raw/of_a_killed_run.parquet": 1,
        "lake's catalogue, ducklake_file_column_stats": 1,
    }


def test_lake_catalogue_and_snapshots_are_registered_as_personal() -> None:
    assert {place.pattern for place in OUTSIDE if place.is_personal and place.kind is Kind.BUILT} == {
        "engine.lake", "engine.connection_env", "engine.snapshot_days",
    }  # fmt: skip
    assert {step.schema for step in transform.compiled().steps if step.kind != "test"} <= set(SCHEMAS)


# ------------------------------------------------------- what is written, and how


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A warehouse with two batches; a second file stands for the lake."""
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("create schema raw; create schema run; create schema sums")
        connection.execute("create table run.context as select date '2026-01-31' as as_of")
        connection.execute(
            "create table raw.sales (batch_id bigint, source varchar, amount decimal(18, 4), sold_at timestamptz)"
        )
        connection.execute(
            "insert into raw.sales select 1 + i % 2, 'till', i, '2026-01-05 10:00+00' from range(10) as r(i)"
        )

    def attach(connection: duckdb.DuckDBPyConnection, _: object) -> None:
        connection.execute(f"attach '{tmp_path / 'lake.duckdb'}' as lake")

    monkeypatch.setattr("clientela.engines.ducklake.attach", attach)
    monkeypatch.setattr("clientela.engines.ducklake._partition", lambda *_: None)
    monkeypatch.setattr("clientela.engines.ducklake.expire_snapshots", lambda *_: None)
    yield Database(str(tmp_path / "warehouse.duckdb"), {}, {"TimeZone": "UTC"}, {})


@contextmanager
def written(database: Database) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = database.connect()
    try:
        ducklake.attach(connection, None)  # type: ignore[arg-type]
        yield connection
    finally:
        connection.close()


def test_the_lake_holds_the_batches_that_the_warehouse_holds_however_often_it_is_told(opened: Database) -> None:
    def rows(table: str) -> list[tuple[object, ...]]:
        return connection.execute(f"select * from {table} order by all").fetchall()

    with written(opened) as connection:
        ours = "warehouse.raw.sales"
        for change in (
            "select 1",
            "select 1",
            f"insert into {ours} values (3, 'shop', 5, now())",
            f"delete from {ours} where batch_id = 1",
            f"update {ours} set amount = -amount where batch_id = 2 and amount = 3",
            "insert into lake.raw.sales values (9, 'of a run that was rolled back', 1, null)",
            "delete from lake.raw.sales where amount = 5",
            f"alter table {ours} add column note varchar",
        ):
            connection.execute(change)
            with ducklake._in_lake(connection, opened) as lake:
                ducklake.write_batches(lake, "warehouse")
            assert rows("lake.raw.sales") == rows(ours), change


def step(name: str, sql: str, **more: object) -> Step:
    values: dict[str, object] = {
        "unique_id": name, "kind": "model", "name": name, "schema": "sums", "relation": f'"sums"."{name}"', "path": name,
        "materialized": "table", "language": "sql", "sql": sql, "sql_upon": "", "unique_key": "", "columns": (),
        "before": (), "before_upon": (), "after": (), "is_warning": False, "needs": (), "sources": (),
    }  # fmt: skip
    return Step(**{**values, **more})  # type: ignore[arg-type]


PYTHON = """
class dbtObj:
    def __init__(self, load): self.load = load
def model(dbt, session): return dbt.load('"sums"."total"')
"""
STEPS = (
    step("sales", "select * from raw.sales", materialized="view", sources=("raw.sales",)),
    step(
        "total",
        "select sum(batch_id) as batches, sum(amount) as amount, max(as_of) as as_of from sums.sales, run.context",
        sources=("run.context",),
        needs=("sales",),
        columns=(("amount", "decimal(38,4)"), ("batches", "hugeint"), ("as_of", "date")),
    ),
    step("is_positive", "select * from sums.total where amount < 0", kind="test", needs=("total",)),
    step("again", PYTHON, language="python", needs=("total",)),
    step(
        "doubled", "select amount * 2 as amount from sums.again",
        needs=("again",), after=("delete from sums.doubled where null",)),
)  # fmt: skip


def test_a_build_is_in_the_lake_whole_and_comes_back(opened: Database, tmp_path: Path) -> None:
    results = ducklake.build(Compiled(STEPS, {}), opened, catalog(tmp_path))
    assert [result.status for result in results] == ["success", "success", "pass", "success", "success"], [
        r.message for r in results
    ]
    with written(opened) as connection:
        for name in ("sales", "total", "again", "doubled"):
            found = []
            for database in ("warehouse", "lake"):
                connection.execute(f"use {database}")
                found.append(connection.execute(f"select * from sums.{name} order by all").fetchall())
            assert found[0] == found[1] != [], name
        ((kind,),) = connection.execute(
            "select count(*) from duckdb_views() where view_name = 'sales' and database_name in ('lake', 'warehouse')"
        ).fetchall()
        assert kind == 2, "a view is one on both sides"


@pytest.mark.parametrize(
    ("last", "statuses"),
    [
        (step("wrong", "select * from sums.total", kind="test"), ["fail", "success"]),
        (step("wrong", "select cast('x' || amount as integer) as a from sums.total"), ["error", "skipped"]),
        (step("wrong", "select 1 as a", columns=(("a", "varchar"),)), ["error", "success"]),
    ],
)
def test_of_a_build_that_fails_the_lake_shows_nothing(
    opened: Database, tmp_path: Path, last: Step, statuses: list[str]
) -> None:
    ducklake.build(Compiled(STEPS, {}), opened, catalog(tmp_path))
    with written(opened) as connection:
        connection.execute("insert into warehouse.raw.sales values (3, 'till', 100, now())")
    after = step("after", "select 1 as a", needs=("wrong",))
    beside = step("beside", "select 1 as a")
    results = ducklake.build(Compiled((*STEPS, last, beside, after), {}), opened, catalog(tmp_path))
    assert [result.status for result in results[5:]] == [*statuses, "skipped"], results
    with written(opened) as connection:
        assert connection.execute("select amount from lake.sums.total").fetchall() == [(45,)]
        assert connection.execute("select count(*) from lake.raw.sales").fetchall() == [(11,)], "what was loaded stays"
    results = ducklake.build(Compiled(STEPS, {}), opened, catalog(tmp_path))
    with written(opened) as connection:
        assert connection.execute("select amount from lake.sums.total").fetchall() == [(145,)]


def test_a_lake_that_cannot_be_written_ends_the_night_in_a_sentence(
    opened: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKE_CATALOG", URL)

    def refuse(*_: object) -> None:
        raise duckdb.TransactionException(f"Failed to commit: {URL}")

    monkeypatch.setattr("clientela.engines.ducklake.write_batches", refuse)
    with pytest.raises(NotPublishedError) as caught:
        ducklake.build(Compiled(STEPS, {}), opened, replace(catalog(tmp_path), snapshot_days=1))
    assert "The lake cannot be written" in caught.value.sentence and "hunter2" not in caught.value.sentence
