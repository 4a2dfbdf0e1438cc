"""An older day takes the published file's place only where the data of the later day are gone."""

import importlib.util
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from clientela.errors import NotPublishedError
from clientela.lifetime.contract_history import COLUMNS
from clientela.publish import MACROS, Mart, Published, publish_marts
from clientela.value import step
from clientela.warehouse.run_settings import write_settings
from clientela.warehouse.tables import prepare
from tests.conftest import ROOT, Company

JANUARY, FEBRUARY = date(2026, 1, 31), date(2026, 2, 28)


def _publish(shop: Company, run_id: str, as_of: date, reached_on: date | None) -> Published:
    """Publish a file whose only mart is the one that says of which day it is."""
    with duckdb.connect(str(shop.folder / f"{run_id}.duckdb")) as connection:
        prepare(connection)
        connection.execute("create schema operations")
        connection.execute("insert into run.built values ('operations.publication', ?)", [run_id])
        connection.execute(
            """
            insert into run.context (
                run_id, as_of_on, known_at, company, currency, time_zone, left_censored_days, config_hash, code_version,
                started_at
            ) values (?, ?, now(), 'shop', 'EUR', 'UTC', 0, '', '', now())
            """,
            [run_id, as_of],
        )
        connection.execute("create table operations.publication as select run_id, as_of_on from run.context")
        marts = [Mart("operations", "publication", "", {})]
        return publish_marts(connection, shop.config, marts, shop.config.published, reached_on=reached_on)


@pytest.mark.parametrize(
    ("as_of", "reached_on"),
    [
        (JANUARY, None),
        (JANUARY, FEBRUARY),
        (JANUARY, date(2026, 2, 10)),
        (date(2024, 1, 1), JANUARY),
    ],
    ids=["not known", "still there", "partly there", "older than what is left"],
)
def test_an_older_day_is_refused_while_later_data_are_there(
    shop: Company, as_of: date, reached_on: date | None
) -> None:
    _publish(shop, "first", FEBRUARY, FEBRUARY)
    with pytest.raises(NotPublishedError, match="The published file is as of 2026-02-28"):
        _publish(shop, "second", as_of, reached_on)
    assert shop.published("select run_id, as_of_on from operations.publication") == [("first", FEBRUARY)]


def test_an_older_day_is_published_and_reported_once_the_later_data_are_gone(shop: Company) -> None:
    assert _publish(shop, "first", FEBRUARY, FEBRUARY).note == ""
    note = _publish(shop, "second", JANUARY, JANUARY).note
    assert note == (
        "No loaded transaction reaches 2026-02-28 any more, the day of the file published before: "
        "published as of 2026-01-31."
    )
    assert shop.published("select run_id, as_of_on from operations.publication") == [("second", JANUARY)]
    assert _publish(shop, "third", FEBRUARY, FEBRUARY).note == ""


def test_what_was_frozen_on_a_day_that_is_gone_keeps_no_earlier_day_from_freezing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[date | None] = []

    def measured(forecasts: step.Forecasts) -> list[Any]:
        asked.append(forecasts._before.frozen_until)
        return []

    monkeypatch.setattr(step.Forecasts, "measured", measured)
    spec = importlib.util.spec_from_file_location("model", ROOT / "models" / "intermediate" / "int_forecasts.py")
    assert spec is not None and spec.loader is not None
    model = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(model)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        prepare(connection)
        for as_of in (date(2025, 12, 31), FEBRUARY):
            connection.execute(
                """
                insert into memory.value_predictions (as_of_on, run_id, run_sequence, horizon_months, segmentation)
                values (?, 'a', 1, 12, 'company')
                """,
                [as_of],
            )
        write_settings(connection)
        connection.execute("create table crosswalk (customer_id bigint, record_id bigint)")
        connection.execute(
            """
            create table days (
                customer_id bigint, ordered_on date, is_order boolean, net_revenue double, contribution double,
                cost_to_serve double
            )
            """
        )
        columns = ", ".join(
            f"null::{'date' if name.endswith('_on') else 'bigint'} as {name}"
            for name in (*COLUMNS, "recurring_amount", "contribution")
        )
        connection.execute(f"create table contracts as select {columns} where false")
        relations = {
            "int_purchase_days": "days",
            "int_contract_terms": "contracts",
            "int_customer_crosswalk": "crosswalk",
        }

        class Dbt:
            """What dbt hands to a Python model."""

            as_of = JANUARY

            def config(self, **_: Any) -> None:
                pass

            def ref(self, name: str) -> duckdb.DuckDBPyRelation:
                return connection.table(relations[name])

            def source(self, schema: str, name: str) -> duckdb.DuckDBPyRelation:
                if (schema, name) == ("run", "context"):
                    return connection.sql(
                        f"select date '{self.as_of}' as as_of_on, '' as code_version, 'a' as run_id, null as refit"
                    )
                return connection.table(f"{schema}.{name}")

        dbt = Dbt()
        model.model(dbt, connection)
        dbt.as_of = FEBRUARY
        model.model(dbt, connection)
    assert asked == [date(2025, 12, 31), FEBRUARY]


def test_a_day_before_the_first_run_is_answered_with_what_that_run_said() -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema customer; create schema quality")
        connection.execute(
            """
            create table quality.customer_record_history as select * from (values
                (1, 7, date '2026-03-01', date '2026-03-05'), (1, 9, date '2026-03-05', null), (2, 8, date '2026-03-04', null)
            ) as history (customer_record_id, customer_id, valid_from_on, valid_until_on)
            """
        )
        [(signature, query)] = [
            (signature, query) for _, signature, query, _ in MACROS if "customer_id_as_of" in signature
        ]
        connection.execute(f"create macro {signature} as table {query}")
        asked = "from customer.customer_id_as_of(?) order by all"
        assert connection.execute(asked, [date(2020, 1, 1)]).fetchall() == [(1, 7)]
        assert connection.execute(asked, [date(2026, 3, 3)]).fetchall() == [(1, 7)]
        assert connection.execute(asked, [date(2026, 3, 4)]).fetchall() == [(1, 7), (2, 8)]
        assert connection.execute(asked, [date(2026, 3, 5)]).fetchall() == [(1, 9), (2, 8)]


def _publish_table(shop: Company, rows: str, mart: Mart) -> list[tuple[Any, ...]]:
    """Publish one table beside the one that says of which day it is; gives what the file says of keys."""
    with duckdb.connect(str(shop.folder / "keys.duckdb")) as connection:
        prepare(connection)
        connection.execute("create schema operations")
        connection.execute("create schema value")
        connection.execute(
            "insert into run.built select unnest(['operations.publication', 'value.orders', 'value.lines']), 'first'"
        )
        connection.execute(
            """
            insert into run.context (
                run_id, as_of_on, known_at, company, currency, time_zone, left_censored_days, config_hash, code_version,
                started_at
            ) values ('first', date '2026-01-31', now(), 'shop', 'EUR', 'UTC', 0, '', '', now())
            """
        )
        connection.execute("create table operations.publication as select run_id, as_of_on from run.context")
        connection.execute(f"create table value.orders as select * from (values {rows}) as orders (order_id, line)")
        connection.execute("create table value.lines as select 1 as line, 7 as first_order_id")
        marts = [
            Mart("operations", "publication", "", {"run_id": ("", False)}, ("run_id",)),
            mart,
            Mart("value", "lines", "", {"line": ("", False), "first_order_id": ("", False)}, ("line",)),
        ]
        publish_marts(connection, shop.config, marts, shop.config.published)
    return shop.published("select * from operations.table_keys order by all")


def _orders(*key: str, may_be_null: tuple[str, ...] = ()) -> Mart:
    return Mart("value", "orders", "", {"order_id": ("", False), "line": ("", False)}, key, may_be_null)


def test_keys_and_joins_travel_with_the_file_and_so_does_what_is_never_null(shop: Company) -> None:
    keys = _publish_table(shop, "(7, 1), (8, null)", _orders("order_id"))
    assert keys == [
        ("operations", "publication", "key", "run_id", None, None, None),
        ("value", "lines", "join", "first_order_id", None, "value.orders", "order_id"),
        ("value", "lines", "key", "line", None, None, None),
        ("value", "orders", "key", "order_id", None, None, None),
    ]
    assert shop.published("select column_name from duckdb_columns() where not is_nullable order by 1") == [
        ("line",),
        ("order_id",),
        ("run_id",),
    ]
    assert shop.published(
        "select count(*) from duckdb_columns() where table_name = 'table_keys' and comment is null"
    ) == [(0,)]


@pytest.mark.parametrize("rows", ["(7, 1), (7, 2)", "(7, 1), (null, 2)"], ids=["twice", "null"])
def test_a_broken_grain_is_not_published(shop: Company, rows: str) -> None:
    with pytest.raises(NotPublishedError, match=r"value\.orders is one row per order_id, and 1 of these"):
        _publish_table(shop, rows, _orders("order_id"))
    assert not (shop.config.published / "marts.duckdb").exists()


def test_a_part_of_a_key_that_may_be_null_is_compared_like_any_other(shop: Company) -> None:
    _publish_table(shop, "(7, 1), (7, null)", _orders("order_id", "line", may_be_null=("line",)))
    (shop.folder / "keys.duckdb").unlink()
    with pytest.raises(NotPublishedError, match="is one row per order_id, line,"):
        _publish_table(shop, "(7, null), (7, null)", _orders("order_id", "line", may_be_null=("line",)))
