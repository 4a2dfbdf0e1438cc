"""Another engine is asked for in the configuration, checked before anything is touched, and leaves nothing behind."""

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
import yaml

from clientela import transform
from clientela.build_models import NodeResult
from clientela.config.company import Config
from clientela.engines import spark
from clientela.engines.lake import FILE_ROWS, Lake
from clientela.errors import ConfigError
from clientela.pipeline.leftovers import remove_leftovers
from tests.conftest import ROOT, Company

ON_SPARK = {"kind": "spark", "master": "spark://127.0.0.1:7077", "options": {"spark.executor.memory": "2g"}}


def on_spark(company: Company, **more: object) -> Config:
    company.change(lambda settings: settings.update(engine={**ON_SPARK, **more}))
    return company.config


def test_settings_of_spark_are_refused_where_duckdb_builds(shop: Company) -> None:
    with pytest.raises(ConfigError, match="say kind: spark"):
        on_spark(shop, kind="duckdb")


def test_a_company_s_own_models_are_built_on_duckdb(shop: Company) -> None:
    shop.change(lambda settings: settings.update(models_path="models"))
    with pytest.raises(ConfigError, match="leave out one of the two"):
        on_spark(shop)


def test_the_cluster_changes_no_figure_and_the_kind_of_engine_may(shop: Company) -> None:
    alone = shop.config.fingerprint()
    one = on_spark(shop).fingerprint()
    assert one == on_spark(shop, master="local[2]", lake="/mnt/lake", options={}).fingerprint() != alone


def test_what_is_not_on_this_machine_is_said_before_anything_is_touched(
    shop: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_spec(name: str) -> object:
        return None if name == "pyspark" else object()

    monkeypatch.setattr("clientela.extras.find_spec", find_spec)
    on_spark(shop)
    report = shop.night()
    assert report.exit_code == ConfigError.exit_code
    assert "needs `pip install 'clientela[spark]'`: pyspark is not installed" in str(report.message)
    assert not shop.config.warehouse.exists()


def test_what_figures_rest_on_is_not_the_company_s_to_set() -> None:
    with pytest.raises(ConfigError, match=r"spark\.sql\.session\.timeZone is clientela's own"):
        spark.require(spark.Cluster("local[1]", {"spark.sql.session.timeZone": "Europe/Madrid"}))


@pytest.mark.parametrize(
    "engine",
    [ON_SPARK, {"kind": "ducklake", "lake": "shared", "connection_env": "LAKE_CATALOG"}],
    ids=lambda e: e["kind"],
)
def test_a_night_goes_to_the_engine_and_a_past_day_to_duckdb(
    shop: Company, monkeypatch: pytest.MonkeyPatch, engine: dict[str, object]
) -> None:
    shop.change(lambda settings: settings.update(engine=engine))
    config, kind = shop.config, str(engine["kind"])
    gone: list[str] = []

    def build(name: str) -> object:
        def built(*_: object, **__: object) -> list[NodeResult]:
            gone.append(name)
            return []

        return built

    monkeypatch.setattr(f"clientela.engines.{kind}.build", build(kind))
    monkeypatch.setattr("clientela.build_models.build", build("duckdb"))
    monkeypatch.setitem(transform._COMPILED, "spark", transform.compiled())
    transform.build(config, is_full_refresh=False)
    transform.build(config, scratch=shop.folder / "scratch.duckdb")
    assert gone == [kind, "duckdb"]


def test_what_a_killed_run_left_in_the_lake_goes_and_what_is_beside_it_stays(shop: Company) -> None:
    config = on_spark(shop, lake="shared")
    (config.lake / "raw").mkdir(parents=True)
    (shop.folder / "shared" / "of_others").mkdir()
    assert config.lake in remove_leftovers(config)
    assert [path.name for path in (shop.folder / "shared").iterdir()] == ["of_others"]


def test_a_table_comes_back_from_the_lake_as_it_went(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clientela.engines.lake.FILE_ROWS", 100)
    lake = Lake(tmp_path / "lake")
    lake.open()
    with duckdb.connect(str(tmp_path / "w.duckdb")) as connection:
        connection.execute("create schema raw; create schema empty")
        connection.execute(
            "create table raw.t as select i as id, cast(i as decimal(18, 4)) as money, "
            "timestamptz '2026-01-05 10:00:00+00' as at from range(250) as r(i)"
        )
        connection.execute("delete from raw.t where id < 120")
        connection.execute("create table empty.t (id bigint, sum hugeint)")
        before = connection.execute("select * from raw.t order by id").fetchall()
        for schema in ("raw", "empty"):
            lake.write(connection, schema, "t")
            connection.execute(f"drop table {schema}.t")
        lake.read(connection, "raw", "t", (("id", "bigint"), ("money", "decimal(18,4)"), ("at", "timestamptz")))
        lake.read(connection, "empty", "t", ())
        assert connection.execute("select * from raw.t order by id").fetchall() == before
        connection.execute("create view raw.v as select id from raw.t")
        files = lake.write(connection, "raw", "v")
        assert connection.execute(f"select count(*) from read_parquet('{files}/*.parquet')").fetchall() == [(130,)]
        described = [row[1] for row in connection.execute("describe empty.t").fetchall()]
    assert described == ["BIGINT", "BIGINT"], "a sum of whole numbers is one on the way, not a double"
    assert len(list(lake.path("raw", "t").iterdir())) == 3 and FILE_ROWS > 100
    lake.close()
    assert not lake.folder.exists()


def test_the_configuration_in_the_documentation_is_one(shop: Company) -> None:
    page = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    (text,) = [text for part in page.split("```yaml\n")[1:] if "kind: spark" in (text := part.split("```")[0])]
    shop.change(lambda settings: settings.update(yaml.safe_load(text)))
    assert shop.config.engine.kind == "spark" and shop.config.engine.options


def test_a_deletion_at_a_model_s_end_is_rows_left_out_and_anything_else_is_refused() -> None:
    step = next(step for step in transform.compiled().steps if step.name == "int_order_lines")
    asked: list[str] = []

    class Rows:
        def filter(self, condition: str) -> "Rows":
            asked.append(condition)
            return self

    ended = replace(step, relation="intermediate.x", after=("", "delete from intermediate.x where is_gone"))
    spark.without_deleted(ended, Rows())
    assert asked == ["not coalesce(is_gone, false)"]
    with pytest.raises(ValueError, match="Spark cannot do"):
        spark.without_deleted(replace(ended, after=("update intermediate.x set a = 1",)), Rows())
