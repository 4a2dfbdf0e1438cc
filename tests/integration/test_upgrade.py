"""A company that 0.1 ran goes on: the same ids, the same history, and whatever goes wrong leaves everything as it was."""

import hashlib
import multiprocessing
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from clientela.config.company import Config
from clientela.errors import ClientelaError, InternalError, RunningError
from clientela.pipeline.nightly import run
from clientela.pipeline.reapply_batch import reapply
from clientela.pipeline.reload_batches import reload
from clientela.pipeline.unload_batch import unload
from clientela.pipeline.upgrade import upgrade
from clientela.query.sql import reading_published
from clientela.warehouse import memory, tables
from clientela.warehouse import upgrade as upgrading
from clientela.warehouse.lock import hold_lock
from clientela.warehouse.schema_version import SCHEMA_VERSION
from clientela.warehouse.upgrade_steps import STEPS, Step
from tests.conftest import Company
from tests.integration.upgrade_fixture import LATER, needs_duckdb_2, unpack_0_1

pytestmark = needs_duckdb_2


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """A company of 0.1 of this test's own."""
    return unpack_0_1(tmp_path)


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The company after `clientela upgrade`; nobody changes it."""
    company = unpack_0_1(tmp_path_factory.mktemp("upgraded"))
    assert upgrade(company.config).is_done
    return company


@pytest.fixture(scope="module")
def first_night(upgraded: Company, tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The upgraded company after its first night, over the same files."""
    company = Company(shutil.copytree(upgraded.folder, tmp_path_factory.mktemp("night") / "company"))
    report = run(company.config, now=LATER)
    assert (report.status, report.exit_code) == ("published", 0), report.message
    return company


def _bytes(company: Company) -> dict[str, str]:
    """Every file of the data folder by its content, but for the lock."""
    return {
        str(path.relative_to(company.config.data)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in company.config.data.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def _read(path: Path, *queries: str) -> list[list[tuple[Any, ...]]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return [connection.execute(query).fetchall() for query in queries]


# ---------------------------------------------------------------- what it makes


def test_the_upgraded_tables_are_those_of_a_new_warehouse(upgraded: Company, tmp_path: Path) -> None:
    with tables.connect(tmp_path / "new.duckdb") as connection:
        tables.prepare(connection)
    columns = """
        select schema_name, table_name, column_index, column_name, data_type, is_nullable from duckdb_columns()
        where database_name = current_database() and schema_name in ('raw', 'ledger', 'memory', 'run', 'identity')
        order by all
    """
    (new,) = _read(tmp_path / "new.duckdb", columns)
    assert upgraded.warehouse(columns) == new
    assert upgraded.warehouse("select max(version) from ledger.schema_version") == [(SCHEMA_VERSION,)]
    copies = {path.stem: duckdb.sql(f"from '{path}'").columns for path in upgraded.config.memory.glob("*.parquet")}
    assert copies == {
        name: [column for schema, table, _, column, *_ in new if (schema, table) == ("memory", name)]
        for name in memory.MEMORY_TABLES
    }, "memory's copy has them too"
    assert not (upgraded.config.published / "memory").exists(), "where 0.1 kept it among the published files"


def test_every_row_is_carried(upgraded: Company) -> None:
    before = upgraded.config.data / "before_upgrade" / "warehouse.duckdb"
    (held,) = _read(
        before, "select schema_name, table_name from duckdb_tables() where schema_name in ('raw', 'ledger', 'memory')"
    )
    # what was delivered is the sum of what became of it, and was not counted by itself
    counts = [f"select count(*) from {schema}.{table}" for schema, table in held if table != "load_amounts"]
    query = (
        "select sum(row_count), sum(net_amount) from ledger.load_amounts where {} <> 'restated' and {} {} 'delivered'"
    )
    became, delivered = _read(
        upgraded.config.warehouse, *(query.format("disposition", "disposition", sign) for sign in ("<>", "="))
    )
    assert became == delivered == _read(before, query.format("fate", "fate", "<>"))[0]
    assert len(counts) > 30 and _read(upgraded.config.warehouse, *counts) == _read(before, *counts)
    (described,) = _read(
        before, "select column_name from duckdb_columns() where schema_name = 'raw' and table_name = 'transactions'"
    )
    columns = [column for (column,) in described]
    same = [
        f"select {', '.join(columns)} from raw.transactions order by record_id, batch_id",
        "from memory.customer_registry order by all",
        "from ledger.runs",
    ]
    now, then = _read(upgraded.config.warehouse, *same), _read(before, *same)
    assert now == then and all(now), "the order of ledger.runs too"


def test_what_has_another_name_holds_what_it_held(upgraded: Company) -> None:
    before = upgraded.config.data / "before_upgrade" / "warehouse.duckdb"
    renamed = {
        "select batch_id, {} from ledger.loads order by all": ("page", "validation_report"),
        "select batch_id, file_name, {} from ledger.load_files order by all": ("place", "sequence"),
        "select batch_id, {0}, row_count from ledger.load_amounts where {0} <> 'delivered' order by all": (
            "fate",
            "disposition",
        ),
        "select customer_id, run_id, expected_orders, {} from memory.value_predictions order by all": (
            "grouping_name, label, segment",
            "segmentation, segment, rfm_group",
        ),
    }
    for query, (old, new) in renamed.items():
        (then,), (now,) = _read(before, query.format(old)), _read(upgraded.config.warehouse, query.format(new))
        assert now == then and any(row[-1] is not None for row in now)


def test_predictions_of_rfm_groups_are_called_so(company: Company) -> None:
    row = "date '2026-01-31', 'r', 1, 12, 'segment', 'Lost', null, null, null, null, 3"
    with duckdb.connect(str(company.config.warehouse)) as connection:
        connection.execute(f"insert into memory.value_predictions by position select {row} {', null' * 12}")
    upgrade(company.config)
    found = company.warehouse(
        "select segmentation, segment, rfm_group from memory.value_predictions where run_id = 'r'"
    )
    assert found == [("rfm_group", "Lost", None)]


def test_a_warehouse_that_2_0_wrote_is_stored_as_1_4_would(upgraded: Company) -> None:
    storage = "select tags['storage_version'] from duckdb_databases() where not internal"
    before = upgraded.config.data / "before_upgrade" / "warehouse.duckdb"
    assert _read(before, storage) == [[("v2.0.0+",)]]
    assert _read(upgraded.config.warehouse, storage) == [[("v1.4.0+",)]]


def test_a_warehouse_of_the_present_version_in_another_storage_is_written_anew(tmp_path: Path) -> None:
    company = unpack_0_1(tmp_path)
    shutil.rmtree(company.config.published / "memory")
    path = company.config.warehouse
    path.unlink()
    with duckdb.connect(str(path), config={"storage_compatibility_version": "v2.0.0"}) as connection:
        tables.prepare(connection)
        connection.execute("insert into ledger.seen_files values ('a.csv', 1, 2, 'c')")
    assert upgrade(company.config).changes == ["the file is written anew, so that every DuckDB from v1.4.0 on reads it"]
    assert company.warehouse("from ledger.seen_files") == [("a.csv", 1, 2, "c")]
    assert company.warehouse("select count(*) from ledger.schema_version") == [(1,)]
    assert not upgrade(company.config).is_done


def test_what_a_killed_run_left_in_the_log_is_carried(company: Company) -> None:
    in_child(_commit_without_checkpoint, company)
    assert (company.config.data / "warehouse.duckdb.wal").exists()
    upgrade(company.config)
    assert company.warehouse("select count(*) from ledger.seen_files where path = 'late.csv'") == [(1,)]
    assert not (company.config.data / "warehouse.duckdb.wal").exists(), "it would be read into the new file"


def test_a_dry_run_says_what_would_change_and_changes_nothing(company: Company) -> None:
    before = _bytes(company)
    outcome = upgrade(company.config, is_dry_run=True)
    assert not outcome.is_done and outcome.from_version == 1
    assert outcome.changes[0].startswith("1 → 2: ") and outcome.changes[-1] == "memory's copy is written anew"
    assert _bytes(company) == before


def test_memorys_copy_alone_is_brought_forward(company: Company) -> None:
    company.config.warehouse.unlink()
    assert upgrade(company.config).is_done
    assert not company.config.warehouse.exists()
    copies = {path.stem: duckdb.sql(f"from '{path}'") for path in company.config.memory.glob("*.parquet")}
    assert copies.keys() == memory.MEMORY_TABLES.keys()
    assert len(copies["customer_registry"].fetchall()) == 7
    assert copies["schema_version"].project("version").fetchall() == [(SCHEMA_VERSION,)]
    assert not upgrade(company.config).is_done


# ---------------------------------------------------------------- what stays the same


IDS = "select source, customer_key, customer_id, customer_record_id from customer.customer_records order by all"
EVENTS = """
    select event, customer_id, other_customer_id, run_id from quality.identity_events
    where run_id < '20261201' order by all
"""


def test_every_customer_keeps_their_id_and_their_history(first_night: Company, tmp_path: Path) -> None:
    before = unpack_0_1(tmp_path).config.published / "marts.duckdb"
    now = first_night.config.published / "marts.duckdb"
    states = "select customer_id, state from retention.customer_retention order by all"
    # 0.1 had its evidence among the customers
    assert _read(now, IDS, EVENTS, states) == _read(before, IDS, EVENTS.replace("quality.", "customer."), states)
    assert len(_read(now, IDS)[0]) == 7
    frozen = (
        "select customer_id, horizon_months, run_id, expected_orders, {} from {} where run_id < '20261201' order by all"
    )
    (now_frozen,) = _read(now, frozen.format("expected_value", "quality.value_predictions"))
    (then_frozen,) = _read(before, frozen.format("expected_contribution", "value.value_predictions"))
    assert now_frozen == then_frozen and len(now_frozen) == 72
    assert first_night.warehouse("select count(*) from memory.identity_events where run_id > '20261201'") == [(0,)]


def test_what_0_1_loaded_can_be_unloaded_and_reloaded(first_night: Company, tmp_path: Path) -> None:
    company = Company(shutil.copytree(first_night.folder, tmp_path / "copy"))
    config = company.config
    before = _in_force(company)
    unload(config, 10, now=LATER)
    assert _in_force(company) != before
    reapply(config, 10, now=LATER)
    assert _in_force(company) == before
    assert reload(config, "till", now=LATER).loaded
    assert _in_force(company) == before


def _in_force(company: Company) -> list[tuple[Any, ...]]:
    return company.warehouse(
        """
        select source, order_key, line_key, net_amount from raw.transactions
        where batch_id in (select batch_id from ledger.loads where status = 'loaded') order by all
        """
    )


def test_published_files_are_read_before_and_after(company: Company) -> None:
    for _ in range(2):
        with reading_published(company.config) as connection:
            assert connection.execute("select count(*) from customer.customer_records").fetchall() == [(7,)]
            upgrade(company.config)


# ---------------------------------------------------------------- what goes wrong


def _fail(_: duckdb.DuckDBPyConnection) -> None:
    raise RuntimeError("a fault")


def _full(_: duckdb.DuckDBPyConnection) -> None:
    raise duckdb.IOException('IO Error: Could not write file "x": No space left on device')


def _lose_a_column(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("alter table ledger.loads add column left_over varchar")


@pytest.mark.parametrize(
    ("step", "error", "sentence"),
    [
        (_fail, InternalError, "an internal error|An internal error"),
        (_full, ClientelaError, "is full, and needs room for a second warehouse"),
        (_lose_a_column, InternalError, "No step of the upgrade says what becomes of ledger.loads.left_over"),
    ],
)
def test_a_step_that_fails_leaves_everything_as_it_was(
    company: Company, monkeypatch: pytest.MonkeyPatch, step: Any, error: type[ClientelaError], sentence: str
) -> None:
    before = _bytes(company)
    monkeypatch.setattr(upgrading, "STEPS", (*STEPS, Step(SCHEMA_VERSION + 1, "a step", step)))
    with pytest.raises(error, match=f"^The upgrade failed, and everything is as it was: .*({sentence})"):
        upgrade(company.config)
    assert _bytes(company) == before


def test_a_copy_that_cannot_be_written_after_the_switch_is_reported(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "export", lambda *_: _full(duckdb.connect()))
    with pytest.raises(ClientelaError, match=r"^The warehouse is upgraded, but memory's copy could not be written"):
        upgrade(company.config)
    monkeypatch.undo()
    assert upgrade(company.config).changes == ["memory's copy is written anew"]


def test_there_is_no_upgrade_during_a_run(company: Company) -> None:
    with hold_lock(company.config.data, "Run of night"), pytest.raises(RunningError):
        upgrade(company.config)


@pytest.mark.parametrize(
    "target",
    [
        "clientela.warehouse.upgrade._step_forward",
        "clientela.warehouse.upgrade._switch",
        "clientela.warehouse.memory.export",
    ],
)
def test_a_kill_leaves_a_warehouse_that_opens_and_can_be_upgraded(
    company: Company, upgraded: Company, target: str
) -> None:
    before = hashlib.sha256(company.config.warehouse.read_bytes()).hexdigest()
    assert in_child(upgrade_and_die, company, target) == -signal.SIGKILL
    if target.rpartition(".")[2] not in ("export", "withdraw"):
        assert hashlib.sha256(company.config.warehouse.read_bytes()).hexdigest() == before
    upgrade(company.config)
    everything = ["from memory.customer_registry order by all", "select * from ledger.loads order by batch_id"]
    assert _read(company.config.warehouse, *everything) == _read(upgraded.config.warehouse, *everything)
    assert sorted(path.name for path in company.config.memory.iterdir()) == sorted(
        path.name for path in upgraded.config.memory.iterdir()
    )
    assert not (company.config.data / "upgrade").exists()


def in_child(work: Any, company: Company, *arguments: str, seconds: float = 120) -> int | None:
    """Do the work in another process, which is killed after so many seconds; gives its exit code."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["clientela.pipeline.upgrade"])
    child = context.Process(target=work, args=(company.config, *arguments))
    child.start()
    child.join(seconds)
    child.kill()
    child.join()
    return child.exitcode


def upgrade_and_die(config: Config, target: str) -> None:
    """Upgrade, and be killed as the named function is called."""
    import importlib

    def die(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    module_name, name = target.rsplit(".", 1)
    setattr(importlib.import_module(module_name), name, die)
    upgrade(config)


def _commit_without_checkpoint(config: Config) -> None:
    connection = duckdb.connect(str(config.warehouse))
    connection.execute("insert into ledger.seen_files values ('late.csv', 1, 2, 'c')")
    os._exit(0)
