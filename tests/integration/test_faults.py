"""Faults caused, not imagined: a kill in each step, two runs at once, readers during publication.

A killed run is a process of its own, made from a server that has the slow imports already.
"""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from clientela.errors import RunningError
from clientela.pipeline.nightly import run
from clientela.pipeline.open_run import open_run
from clientela.pipeline.run_summary import Report
from clientela.warehouse.lock import hold_lock
from tests.conftest import MORE_SALES, NOW, Company, marts
from tests.prove.attack.test_hostile_cells import CELLS, hostile_night

#: what is killed, and where the step is in the middle of its work
STEPS = {
    "extract": "clientela.load.staging.staged_select",
    "gate": "clientela.load.loader.validate",
    "load": "clientela.load.loader.write_ledger",
    "models": "clientela.build_models._result",
    "publish": "clientela.publish._check",
    "remember": "clientela.warehouse.memory.export",
    "switch": "clientela.publish._switch",
}


def _die_in(config_path: str, target: str) -> None:
    """Run a night in which the named function is never left alive."""
    import importlib

    from clientela.config.read import load_config

    module_name, name = target.rsplit(".", 1)

    def die(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(importlib.import_module(module_name), name, die)
    run(load_config(config_path), now=NOW)


def _killed_in(company: Company, target: str) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["clientela.pipeline.nightly", "great_expectations.expectations"])
    child = context.Process(target=_die_in, args=(str(company.config_path), target))
    child.start()
    child.join(120)
    assert child.exitcode == -signal.SIGKILL, "the step was reached and killed"


@pytest.mark.parametrize("step", ["load", "models", "publish"])
def test_a_kill_in_any_step_loses_nothing_and_the_next_run_heals(shop: Company, step: str, first_night: Path) -> None:
    # with the secret of the one that nobody killed anything of, so that both mask alike
    shop.write("data/secret", (first_night / "data" / "secret").read_bytes()).chmod(0o600)
    _killed_in(shop, STEPS[step])
    assert not (shop.config.published / "marts.duckdb").exists(), "nothing half-done is published"
    report = shop.night()
    assert (report.status, report.exit_code) == ("published", 0)
    assert marts(shop) == marts(Company(first_night))
    assert shop.warehouse("select count(*) from ledger.runs where status = 'killed'") == [(1,)]
    assert shop.warehouse("select count(distinct record_id) = count(*) from memory.customer_registry") == [(True,)]


def test_a_second_run_at_the_same_time_stops_at_once_and_names_the_first(shop: Company) -> None:
    with hold_lock(shop.config.data, "Run of night"):
        began = time.monotonic()
        with pytest.raises(RunningError, match=f"Run of night .process {os.getpid()}, since .* is under way"):
            shop.night()
        assert time.monotonic() - began < 5
        done = subprocess.run(
            [sys.executable, "-m", "clientela", "run", "-c", str(shop.config_path)], capture_output=True, text=True
        )
        assert done.returncode == 5
        assert "is under way for this company" in done.stderr and "Traceback" not in done.stderr
    with hold_lock(shop.config.data, "Run of night"):
        pass


@dataclass(frozen=True)
class Beset:
    """A company after a second night, through which somebody read the published file, beside a log that a crash had left, of a
    warehouse that an earlier version had made."""

    company: Company
    report: Report
    #: what the reader saw before and after
    seen: tuple[list[tuple[Any, ...]], ...]


@pytest.fixture(scope="module")
def beset(tmp_path_factory: pytest.TempPathFactory, first_night: Path) -> Beset:
    folder: Path = tmp_path_factory.mktemp("beset") / "shop"
    shutil.copytree(first_night, folder)
    company = Company(folder)
    with duckdb.connect(str(company.config.warehouse)) as connection:
        connection.execute("alter table ledger.runs drop column loads_state")
        connection.execute("drop view ledger.source_state")
        connection.execute("alter table run.context drop column entities_without_source")
    reader = duckdb.connect(str(company.config.published / "marts.duckdb"), read_only=True)
    try:
        asked = "select count(*), sum(net_amount) from value.order_lines"
        before = reader.execute(asked).fetchall()
        (company.config.published / "marts.duckdb.wal").write_bytes(b"left by a crash")
        company.write("sales_2.csv", MORE_SALES)
        return Beset(company, company.night(), (before, reader.execute(asked).fetchall()))
    finally:
        reader.close()


def test_a_reader_that_holds_the_file_through_a_night_sees_one_whole_file(beset: Beset) -> None:
    assert beset.seen == ([(4, 16.50)], [(4, 16.50)])
    assert beset.company.published("select count(*) from value.order_lines") == [(6,)]


def test_a_stale_log_beside_the_published_file_does_not_make_it_unopenable(beset: Beset) -> None:
    assert not (beset.company.config.published / "marts.duckdb.wal").exists()
    assert beset.company.published("select count(*) from value.order_lines") == [(6,)]


def test_a_warehouse_of_an_earlier_version_gains_its_new_columns(beset: Beset) -> None:
    assert beset.report.status == "published", beset.report.message
    assert beset.company.warehouse("select loads_state is not null from ledger.runs order by started_at") == [
        (False,), (True,),
    ]  # fmt: skip
    assert beset.company.warehouse("select count(entities_without_source) from run.context") == [(1,)]
    assert len(beset.company.warehouse("from ledger.source_state")) == 2


def test_a_failing_model_publishes_nothing_and_the_next_night_publishes_what_was_loaded(
    running: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clientela import transform
    from clientela.pipeline.nightly import publish_again

    before = (running.config.published / "marts.duckdb").stat().st_ino
    # an older sale: neither the as-of day nor the settings change, only what is loaded
    running.write("sales_2.csv", MORE_SALES.replace("2026-02-1", "2026-01-1"))
    failing = transform.NodeResult("test.clientela.sums_agree", "test", "sums_agree", "fail", 0.1, "Got 3 results", 3)
    build: Callable[..., Any] = transform.build
    monkeypatch.setattr(transform, "build", lambda *a, **k: [*build(*a, **k), failing])
    report = running.night()
    assert report.exit_code == 4 and "sums_agree" in report.message
    refused = publish_again(running.config)
    assert refused.exit_code == 4 and "were not built by run" in refused.message, "marts that failed are not published"
    assert (running.config.published / "marts.duckdb").stat().st_ino == before
    monkeypatch.undo()
    assert running.night().status == "published"
    assert running.published("select count(*) from value.order_lines") == [(6,)]


def test_a_full_disk_in_any_step_is_reported_in_a_sentence_and_the_next_night_heals(
    running: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was published before stays as it was until then."""
    from clientela import publish, transform
    from clientela.load import landing
    from clientela.pipeline import ending, pipeline_run
    from clientela.warehouse import tables as warehouse

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    def full_in_duckdb(*_: Any, **__: Any) -> None:
        raise duckdb.IOException('IO Error: Could not write file "x": No space left on device\nmore')

    running.write("sales_2.csv", MORE_SALES)
    for place, name, failing in (
        (landing, "land", full),
        (pipeline_run, "prepare_rates", full_in_duckdb),
        (transform, "build", full),
        (warehouse, "prepare", full_in_duckdb),
        (publish, "_check", full),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, failing)
            report = running.night()
            assert (report.status, report.exit_code) == ("failed", 4)
            assert "No space left" in report.message and "\n" not in report.message
            assert not list((running.config.data / "landing").rglob("*.part"))
            assert running.published("select count(*) from value.order_lines") == [(4,)]
    with monkeypatch.context() as patch:
        # the marts are out, and not even the ledger can be written any more
        patch.setattr(ending, "publish_operations", full_in_duckdb)
        report = running.night()
        assert (report.status, report.exit_code) == ("published", 3)
        assert report.message.startswith("The end of the run could not be written: No space left on device in ")
    assert running.published("select count(*) from value.order_lines") == [(6,)]
    report = running.night()
    assert report.exit_code == 0 and report.sources, report.message
    assert running.published("select count(*) from value.order_lines") == [(6,)]


def test_memory_that_runs_out_is_not_blamed_on_the_file(shop: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    from clientela.load import staging

    def out_of_memory(*_: Any, **__: Any) -> None:
        raise duckdb.OutOfMemoryException("Out of Memory Error: could not allocate block\nSolutions")

    monkeypatch.setattr(staging, "_insert", out_of_memory)
    report = shop.night()
    assert report.exit_code == 4 and report.message.endswith("Out of Memory Error: could not allocate block")
    assert shop.warehouse("select count(*) from ledger.loads") == [(0,)], "nothing is refused for it"


def test_hostile_cells_file_names_and_headers_do_nothing(shop: Company) -> None:
    hostile_night(shop, [cell for cell in CELLS if len(cell) < 1000])


def test_a_published_file_that_cannot_be_opened_is_a_reason_to_publish(running: Company) -> None:
    """Even where nothing new arrived."""
    with open_run(running.config, now=NOW) as opened:
        opened.load_all()
        assert opened.has_no_changes()
        (running.config.published / "marts.duckdb").unlink()
        running.write("data/published/marts.duckdb", b"no database at all" * 500)
        assert not opened.has_no_changes()


def test_the_published_file_is_older_than_the_warehouse_by_format(running: Company) -> None:
    """A client of DuckDB 1.4 opens what storage version 64 says; that version stands in the file's header."""
    header = (running.config.published / "marts.duckdb").read_bytes()[:64]
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:20], "little") <= 67


def test_the_operations_file_tells_of_a_night_that_failed(shop: Company) -> None:
    shop.change(lambda s: s["sources"]["till"]["entities"]["transactions"].update(max_age="1 day"))
    report = shop.night()
    assert report.exit_code == 4 and "max_age" in report.message
    runs = shop.published("select status, message from runs", "operations.duckdb")
    assert runs == [("failed", report.message)]


def test_the_companys_command_is_called_when_a_night_fails(shop: Company) -> None:
    shop.change(lambda s: s.update(on_failure='echo "$CLIENTELA_STATUS $CLIENTELA_MESSAGE" > alarm.txt'))
    shop.change(lambda s: s["sources"]["till"]["entities"]["transactions"].update(files="nothing.csv"))
    shop.night()
    assert (shop.folder / "alarm.txt").read_text().startswith("failed till.transactions is required")
