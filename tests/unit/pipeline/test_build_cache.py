"""What an earlier build left is used again only with the same settings and code, and where nothing is missing."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from clientela import transform
from clientela.pipeline import build_cache
from clientela.warehouse import tables
from tests.conftest import Company


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as opened:
        opened.execute("set timezone = 'UTC'")
        tables.prepare(opened)
        opened.execute(
            """
            insert into run.context by name select 'r' as run_id, date '2026-01-31' as as_of_on, now() as known_at,
                'Shop' as company, 'EUR' as currency, 'UTC' as time_zone, 0 as left_censored_days, 'settings' as config_hash,
                'code' as code_version, now() as started_at, 'x' as duckdb_version, 1 as contract_version
            """
        )
        opened.execute("create schema intermediate")
        opened.execute("create table intermediate.int_active_batches as select 1::bigint as batch_id")
        columns = opened.execute("select * from run.built_costs limit 0").description or []
        names = ", ".join(f"null as {column[0]}" for column in columns)
        opened.execute(f"create table intermediate.int_cost_basis as select {names} limit 0")
        for table, model in {"built_facts": "int_customer_facts_hashed", "built_months": "int_months_hashed"}.items():
            opened.execute(f"create table intermediate.{model} as select * from run.{table}")
        opened.execute("create schema seeds; create table seeds.rates as select 1 as rate")
        yield opened


@pytest.fixture(autouse=True)
def one_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transform, "cached_relations", lambda _: {"seeds.rates"})


def test_the_first_build_is_a_full_refresh_and_the_next_is_not(
    connection: duckdb.DuckDBPyConnection, shop: Company
) -> None:
    assert build_cache.forget_build(connection, shop.config)
    build_cache.remember_build(connection)
    assert not build_cache.forget_build(connection, shop.config)


@pytest.mark.parametrize(
    "change",
    [
        "update run.context set config_hash = 'other'",
        "update run.context set code_version = 'other'",
        "drop table seeds.rates",
    ],
)
def test_other_settings_other_code_or_a_dropped_seed_is_a_full_refresh(
    connection: duckdb.DuckDBPyConnection, shop: Company, change: str
) -> None:
    build_cache.remember_build(connection)
    connection.execute(change)
    assert build_cache.forget_build(connection, shop.config)


def test_a_build_that_was_broken_off_is_a_full_refresh(connection: duckdb.DuckDBPyConnection, shop: Company) -> None:
    build_cache.remember_build(connection)
    build_cache.forget_build(connection, shop.config)
    assert build_cache.forget_build(connection, shop.config)


def test_the_state_of_loads_moves_with_what_is_loaded_and_with_an_accepted_model(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    before = build_cache.loads_state(connection)
    connection.execute("insert into memory.identity_models values ('m', '', 0, true, '', 'r', now())")
    assert build_cache.loads_state(connection) == f"{before}, identity m"
