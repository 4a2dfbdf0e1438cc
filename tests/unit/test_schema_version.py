"""Which version of the layout a warehouse has: born with it, refused where this code cannot work with it."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import duckdb
import pytest

from clientela.config.company import Config
from clientela.errors import ClientelaError
from clientela.masking import read_secret
from clientela.onboard.doctor import examine
from clientela.pipeline import nightly
from clientela.pipeline.identity_review import preview, retrain
from clientela.pipeline.past_day import run_as_of
from clientela.pipeline.reapply_batch import reapply
from clientela.pipeline.reload_batches import reload
from clientela.pipeline.unload_batch import unload
from clientela.pipeline.upgrade import upgrade
from clientela.warehouse import memory, tables
from clientela.warehouse.schema_version import SCHEMA_VERSION, version_of
from clientela.warehouse.upgrade_steps import STEPS
from tests.conftest import ROOT, Company


def _reported(run: Callable[[Config], Any]) -> Callable[[Config], Any]:
    """The run's report as an exception, as other commands raise it."""

    def raising(config: Config) -> None:
        report = run(config)
        raise ClientelaError(report.message)

    return raising


COMMANDS: dict[str, Callable[[Config], Any]] = {
    "run": _reported(nightly.run),
    "run --as-of": _reported(lambda config: run_as_of(config, date(2026, 1, 31))),
    "publish": _reported(nightly.publish_again),
    "reload": lambda config: reload(config, "till"),
    "unload": lambda config: unload(config, 1),
    "unload --undo": lambda config: reapply(config, 1),
    "identity diff": lambda config: preview(config, config.identity),
    "identity train": lambda config: retrain(config, accept=False),
    "identity train --accept": lambda config: retrain(config, accept=True),
    "doctor": examine,
}


@pytest.fixture
def empty(shop: Company) -> Company:
    """A shop with a new warehouse in which nothing is loaded."""
    config = shop.config
    config.data.mkdir()
    read_secret(config.data)
    with tables.connect(config.warehouse) as connection:
        tables.prepare(connection)
        memory.export(connection, config.memory)
    return shop


def _say_version(company: Company, version: int | None) -> None:
    with duckdb.connect(str(company.config.warehouse)) as connection:
        if version is None:
            connection.execute("drop table ledger.schema_version")
        else:
            connection.execute("update ledger.schema_version set version = ?", [version])


def test_a_new_warehouse_and_its_copy_are_of_the_present_version(empty: Company) -> None:
    for schema in ("ledger", "memory"):
        assert empty.warehouse(f"select version from {schema}.schema_version") == [(SCHEMA_VERSION,)]
    copy = empty.config.memory / "schema_version.parquet"
    assert duckdb.sql(f"select version from '{copy}'").fetchall() == [(SCHEMA_VERSION,)]


def test_a_warehouse_whose_making_was_cut_off_is_not_taken_for_one_of_0_1(
    shop: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_: duckdb.DuckDBPyConnection) -> None:
        raise KeyboardInterrupt

    shop.config.data.mkdir()
    monkeypatch.setattr(memory, "prepare", killed)
    with tables.connect(shop.config.warehouse) as connection:
        with pytest.raises(KeyboardInterrupt):
            tables.prepare(connection)
        made = connection.execute("select table_name from duckdb_tables() where schema_name = 'ledger'").fetchall()
        assert made == [("schema_version",)], "the other tables are made together"
        assert version_of(connection) == SCHEMA_VERSION


@pytest.mark.parametrize("command", COMMANDS)
def test_a_newer_warehouse_is_refused_by_every_command(empty: Company, command: str) -> None:
    _say_version(empty, SCHEMA_VERSION + 1)
    before = empty.config.warehouse.read_bytes()
    with pytest.raises(ClientelaError, match=rf"has schema version {SCHEMA_VERSION + 1}.*Nothing was touched\.$"):
        COMMANDS[command](empty.config)
    assert empty.config.warehouse.read_bytes() == before


@pytest.mark.parametrize("command", COMMANDS)
def test_an_older_warehouse_is_refused_by_every_command_but_upgrade(empty: Company, command: str) -> None:
    _say_version(empty, None)
    before = empty.config.warehouse.read_bytes()
    with pytest.raises(ClientelaError, match=r"has schema version 1, .* run `clientela upgrade`"):
        COMMANDS[command](empty.config)
    assert empty.config.warehouse.read_bytes() == before


@pytest.mark.parametrize("command", ["run", "unload", "doctor"])
def test_a_newer_copy_of_memory_is_not_overwritten(empty: Company, command: str) -> None:
    copy = empty.config.memory / "schema_version.parquet"
    duckdb.sql(f"copy (select {SCHEMA_VERSION + 1} as version, now() as made_at) to '{copy}'")
    with pytest.raises(ClientelaError, match=rf"data/memory has schema version {SCHEMA_VERSION + 1}, "):
        COMMANDS[command](empty.config)


def test_upgrade_refuses_what_is_newer_and_does_nothing_to_what_is_present(empty: Company) -> None:
    before = empty.config.warehouse.read_bytes()
    assert not upgrade(empty.config).is_done
    assert empty.config.warehouse.read_bytes() == before
    _say_version(empty, SCHEMA_VERSION + 1)
    with pytest.raises(ClientelaError, match="install the clientela that made it"):
        upgrade(empty.config)


def test_there_is_nothing_to_upgrade_where_nothing_ever_ran(shop: Company) -> None:
    with pytest.raises(ClientelaError, match="has no warehouse yet"):
        upgrade(shop.config)
    assert not shop.config.data.exists()


def test_each_version_has_its_step() -> None:
    assert [step.version for step in STEPS] == list(range(2, SCHEMA_VERSION + 1))


def _layout(company: Company) -> dict[str, str]:
    """Type of every column that a warehouse keeps from run to run, by its name."""
    rows = company.warehouse(
        "select schema_name || '.' || table_name || '.' || column_name, data_type from duckdb_columns() "
        "where schema_name in ('ledger', 'memory') and table_name in (select table_name from duckdb_tables()) order by 1"
    )
    return {str(name): str(kind) for name, kind in rows}


def test_what_a_version_keeps_stays_as_it_was_until_a_step_changes_it(empty: Company) -> None:
    """A column may be added, which old warehouses gain by themselves; one that goes or changes needs the next version.

    tests/data/layouts holds the layout of each version; a new one is written by `_layout` of a new warehouse.
    """
    recorded = json.loads((ROOT / f"tests/data/layouts/{SCHEMA_VERSION}.json").read_text(encoding="utf-8"))
    today = _layout(empty)
    assert recorded.items() <= today.items(), sorted(recorded.items() - today.items())
