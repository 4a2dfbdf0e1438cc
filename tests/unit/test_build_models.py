"""Models are built node by node as dbt would: in their order, all or nothing, and what needs a failed one is skipped."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from clientela.build_models import Database, NodeResult, build
from clientela.compiled_models import Compiled, Step


def step(name: str, sql: str, *needs: str, kind: str = "model", materialized: str = "table", **more: Any) -> Step:
    plain = Step(
        unique_id=name, kind=kind, name=name, schema="marts", relation=f'"marts"."{name}"', path=f"models/{name}.sql",
        materialized=materialized, language="sql", sql=sql, sql_upon="", unique_key="", columns=(), before=(),
        before_upon=(), after=(), is_warning=False, needs=needs,
    )  # fmt: skip
    return replace(plain, **more)


class Warehouse:
    """A file, and what was said while it was built."""

    def __init__(self, path: Path) -> None:
        self.database = Database(str(path), {}, {"threads": "1"}, {})
        self.said: list[tuple[str, str, str]] = []

    def build(self, *steps: Step, is_full_refresh: bool = True) -> dict[str, NodeResult]:
        said = self.said

        def watch(*words: str) -> None:
            said.append((words[0], words[1], words[2]))

        results = build(Compiled(steps, {}), self.database, watch, is_full_refresh=is_full_refresh)
        return {result.name: result for result in results}

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.database.path) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    yield Warehouse(tmp_path / "w.duckdb")


def statuses(results: dict[str, NodeResult]) -> dict[str, str]:
    return {name: result.status for name, result in results.items()}


def test_what_needs_a_failed_model_or_test_is_skipped_and_the_rest_is_built(warehouse: Warehouse) -> None:
    results = warehouse.build(
        step("a", "select 1 as x"),
        step("none_of_a", "select * from marts.a", "a", kind="test", materialized="test"),
        step("few_of_a", "select * from marts.a", "a", kind="test", materialized="test", is_warning=True),
        step("b", "select x from marts.a", "a", "none_of_a"),
        step("c", "select x from marts.a", "a", "few_of_a"),
        step("d", "select * from marts.nowhere"),
        step("e", "select * from marts.d", "d"),
        step("f", "select * from marts.e", "e"),
    )
    assert statuses(results) == {
        "a": "success", "none_of_a": "fail", "few_of_a": "warn", "b": "skipped", "c": "success", "d": "error",
        "e": "skipped", "f": "skipped",
    }  # fmt: skip
    assert results["none_of_a"].failures == 1
    assert results["none_of_a"].message == "Got 1 result, configured to fail if != 0"
    assert results["d"].cause.startswith("Catalog Error: Table with name nowhere does not exist")
    assert next(words for words in warehouse.said if words[1] == "a") == ("begin", "a", "1 of 8")
    assert [words[2].split()[:2] for words in warehouse.said if words[:2] == ("node", "d")] == [["model", "ERROR"]]


def test_a_model_that_fails_leaves_the_table_of_the_last_build(warehouse: Warehouse) -> None:
    warehouse.build(step("a", "select 1 as x"))
    assert statuses(warehouse.build(step("a", "select cast('x' as integer) as x"))) == {"a": "error"}
    failing_hook = step("a", "select 2 as x", after=("delete from marts.a", "select * from marts.nowhere"))
    assert statuses(warehouse.build(failing_hook)) == {"a": "error"}
    assert warehouse.ask("from marts.a") == [(1,)]


def test_a_table_takes_the_place_of_a_view_and_a_view_that_of_a_table(warehouse: Warehouse) -> None:
    for materialized, kind in (("view", "VIEW"), ("table", "BASE TABLE"), ("view", "VIEW"), ("view", "VIEW")):
        assert statuses(warehouse.build(step("a", "select 1 as x", materialized=materialized))) == {"a": "success"}
        assert warehouse.ask("select table_type from information_schema.tables where table_name = 'a'") == [(kind,)]


def test_seeds_and_views_are_built_by_a_full_refresh_alone(warehouse: Warehouse) -> None:
    view = step("v", "select 1 as x", materialized="view")
    seed = step(
        "texts", "", kind="seed", materialized="seed", path="seeds/texts.csv",
        columns=(("key", "string"), ("es", "string"), ("en", "string")),
    )  # fmt: skip
    table = step("a", "select x from marts.v", "v")
    assert statuses(warehouse.build(seed, view, table)) == {"texts": "success", "v": "success", "a": "success"}
    assert warehouse.ask("select count(*) > 50 and bool_and(es <> '' and en <> '') from marts.texts") == [(True,)]
    assert statuses(warehouse.build(seed, view, table, is_full_refresh=False)) == {"a": "success"}


def test_an_incremental_model_merges_upon_what_is_there(warehouse: Warehouse) -> None:
    model = step(
        "a",
        "select 1 as id, 'old' as word union all select 2, 'old'",
        materialized="incremental",
        unique_key="id",
        sql_upon="select 'new' as word, 2 as id union all select 'new', 3 union all select 'gone', 1",
        after=("delete from marts.a where word = 'gone'",),
    )
    warehouse.build(model, is_full_refresh=False)
    assert warehouse.ask("from marts.a order by id") == [(1, "old"), (2, "old")], "there was nothing to build upon"
    warehouse.build(model, is_full_refresh=False)
    assert warehouse.ask("from marts.a order by id") == [(2, "new"), (3, "new")]
    warehouse.build(model)
    assert warehouse.ask("from marts.a order by id") == [(1, "old"), (2, "old")]


def test_an_incremental_model_without_a_key_adds_rows_after_its_own_hook(warehouse: Warehouse) -> None:
    model = step(
        "a",
        "select 1 as month, 'old' as word union all select 2, 'old'",
        materialized="incremental",
        before_upon=("delete from marts.a where month >= 2",),
        sql_upon="select 'new' as word, 2 as month union all select 'new', 3",
    )
    warehouse.build(model)
    assert warehouse.ask("from marts.a order by month") == [(1, "old"), (2, "old")], "from nothing nothing goes before"
    warehouse.build(model, is_full_refresh=False)
    assert warehouse.ask("from marts.a order by month") == [(1, "old"), (2, "new"), (3, "new")]


def test_a_contract_is_kept_in_names_types_and_order(warehouse: Warehouse) -> None:
    columns = (("id", "bigint"), ("amount", "decimal(18,4)"), ("name", "text"))
    good = "select cast(1.5 as decimal(18,4)) as amount, 'x' as name, cast(1 as bigint) as id"
    assert statuses(warehouse.build(step("a", good, columns=columns))) == {"a": "success"}
    assert warehouse.ask("from marts.a") == [(1, 1.5, "x")], "in the order that the contract states"
    for bad, wrong in (
        (good.replace("18,4", "18,3"), "amount is DECIMAL(18,3), the contract says DECIMAL(18,4)"),
        (good + ", 2 as more", "more is INTEGER, the contract says nothing of it"),
        (good.replace("'x' as name, ", ""), "name is not there, the contract says VARCHAR"),
    ):
        for materialized in ("table", "view"):
            result = warehouse.build(step("a", bad, columns=columns, materialized=materialized))["a"]
            assert result.status == "error" and result.cause == f"The model does not keep its contract: {wrong}."
    assert warehouse.ask("from marts.a") == [(1, 1.5, "x")]


PYTHON = """
import polars as pl

class dbtObj:
    def __init__(self, load):
        self.ref = lambda name: load(f"marts.{name}")

def model(dbt, session):
    return {answer}
"""


@pytest.mark.parametrize(
    ("answer", "rows"),
    [
        ("dbt.ref('a').pl().with_columns(y=pl.col('x') + 1)", [(1, 2)]),
        ("dbt.ref('a').project('x, x + 2 as y')", [(1, 3)]),
        ("dbt.ref('a').project('x, x + 3 as y').to_arrow_reader()", [(1, 4)]),
        ("session.table('marts.p').pl().with_columns(y=pl.col('y') * 10)", [(1, 10)]),
    ],
)
def test_a_python_model_gives_a_frame_a_relation_or_a_reader(
    warehouse: Warehouse, answer: str, rows: list[tuple[int, int]]
) -> None:
    before = step("p", "select 1 as x, 1 as y")
    model = step("p", PYTHON.replace("{answer}", answer), "a", language="python", path="models/p.py")
    warehouse.build(step("a", "select 1 as x"), before)
    assert statuses(warehouse.build(step("a", "select 1 as x"), model)) == {"a": "success", "p": "success"}
    assert warehouse.ask("from marts.p") == rows
    failing = replace(model, sql=PYTHON.replace("{answer}", "pl.nothing"))
    result = warehouse.build(failing)["p"]
    assert result.status == "error" and "has no attribute" in result.cause and "models/p.py" in result.message
    assert warehouse.ask("from marts.p") == rows, "the table of the last build stands"
    assert warehouse.ask("select count(*) from duckdb_tables()") == [(2,)]
