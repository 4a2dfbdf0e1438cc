"""No end of a run is silent: whatever ends it, and however early, status, exit code and the company's command tell it.

No night here builds models: each ends before, or is kept from it, so that the file takes seconds.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result

from clientela.cli.main import main
from clientela.errors import ClientelaError, NotPublishedError
from clientela.masking import read_secret
from clientela.pipeline.nightly import run
from clientela.pipeline.pipeline_run import PipelineRun
from clientela.publish import Mart, publish_marts
from tests.conftest import NOW, ROOT, Company

ALARM = 'printf "%s|%s" "$CLIENTELA_STATUS" "$CLIENTELA_MESSAGE" > alarm.txt'


@pytest.fixture
def alarmed(shop: Company) -> Company:
    """A shop that writes down what its alarm is told."""
    shop.change(lambda settings: settings.update(on_failure=ALARM))
    return shop


def ask(company: Company, *words: str) -> Result:
    return CliRunner().invoke(main, [*words, "-c", str(company.config_path)])


def alarm(company: Company) -> str:
    return (company.folder / "alarm.txt").read_text(encoding="utf-8")


def garbage(company: Company) -> None:
    read_secret(company.config.data)
    company.write("data/warehouse.duckdb", b"no database at all" * 500)


def half_garbage(company: Company) -> None:
    """A block in the middle of the file: it opens, and fails when the table is read."""
    read_secret(company.config.data)
    path = company.config.data / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema ledger")
        connection.execute(
            "create table ledger.loads as select i::varchar as status, md5(i::varchar) as entity from range(300000) r(i)"
        )
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = bytes(255 - byte for byte in content[len(content) // 2 :])
    path.write_bytes(content)


def no_reference(company: Company) -> None:
    company.change(lambda settings: settings.update(reference_folder="nowhere"))


def no_data_folder(company: Company) -> None:
    company.write("data", "a file, where a folder is to be made")


def no_published_folder(company: Company) -> None:
    garbage(company)
    company.write("data/published", "a file, where a folder is to be made")


@pytest.mark.parametrize(
    ("harm", "code", "sentence"),
    [
        (garbage, 4, "warehouse.duckdb cannot be read: "),
        (half_garbage, 4, "warehouse.duckdb cannot be read: "),
        (no_reference, 2, "reference_folder = nowhere"),
        (no_data_folder, 4, "cannot be the data folder"),
        (no_published_folder, 4, "warehouse.duckdb cannot be read: "),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_night_that_cannot_begin_is_reported_everywhere(
    alarmed: Company, harm: Callable[[Company], None], code: int, sentence: str
) -> None:
    harm(alarmed)
    ended = ask(alarmed, "run", "--quiet")
    assert ended.exit_code == code and sentence in ended.output, ended.output
    assert "Traceback" not in ended.output
    assert alarm(alarmed).startswith("failed|") and sentence in alarm(alarmed)
    status = ask(alarmed, "status", "--json")
    assert status.exit_code == code
    said = json.loads(status.output)
    assert said["status"] == "failed" and sentence in said["message"] and "\n" not in said["message"]


def test_a_warehouse_that_a_reader_holds_is_reported_everywhere(alarmed: Company) -> None:
    read_secret(alarmed.config.data)
    path = alarmed.config.data / "warehouse.duckdb"
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as reader:
        assert reader.stdout is not None and reader.stdout.readline() == b"held\n"
        ended = ask(alarmed, "run", "--quiet")
        reader.terminate()
    assert ended.exit_code == 4 and "The warehouse cannot be opened: " in ended.output
    assert "The warehouse cannot be opened: " in alarm(alarmed)
    assert ask(alarmed, "status").exit_code == 4


@pytest.mark.parametrize(
    ("error", "status", "code", "sentence"),
    [
        (MemoryError(), "failed", 4, "memory ran out"),
        (KeyboardInterrupt(), "stopped", 7, "The run was stopped"),
        (OSError(28, "No space left on device"), "failed", 4, "No space left on device in "),
        (duckdb.IOException('IO Error: Could not write file "/srv/x/w.wal": No space left on device\nmore'), "failed", 4,
         "No space left on device in /srv/x: "),
        (NotPublishedError("a\0b"), "failed", 4, "a�b"),
        (NotPublishedError("x" * 200_000), "failed", 4, "xxx"),
        (NotPublishedError("\udcff in a file's name"), "failed", 4, "� in a file's name"),
    ],
    ids=["memory", "Ctrl-C", "disk full", "disk full in DuckDB", "NUL", "200 kB", "no text"],
)  # fmt: skip
def test_whatever_breaks_off_a_night_is_reported_everywhere(
    alarmed: Company, monkeypatch: pytest.MonkeyPatch, error: BaseException, status: str, code: int, sentence: str
) -> None:
    def fail(_: PipelineRun) -> None:
        raise error

    monkeypatch.setattr(PipelineRun, "load_all", fail)
    report = run(alarmed.config, now=NOW)
    assert (report.status, report.exit_code) == (status, code)
    assert sentence in report.message
    alarm_status, message = alarm(alarmed).split("|", 1)
    assert alarm_status == status and sentence in message and len(message) <= 4000
    assert json.loads((alarmed.config.published / "status.json").read_text())["status"] == status
    assert ask(alarmed, "status").exit_code == code
    ((ended, said),) = alarmed.warehouse("select status, message from ledger.runs")
    assert ended == status and sentence in said


def test_a_fault_of_the_programs_own_is_reported_and_keeps_its_trace(
    alarmed: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: PipelineRun) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(PipelineRun, "publish", fail)
    with pytest.raises(ZeroDivisionError):
        from clientela.pipeline.nightly import publish_again

        publish_again(alarmed.config)
    assert "ZeroDivisionError: oh" in alarm(alarmed)
    assert ask(alarmed, "status").exit_code == 1


def test_a_batch_to_take_back_from_a_broken_warehouse_is_reported_and_one_that_is_not_there_is_not(
    alarmed: Company,
) -> None:
    refused = ask(alarmed, "unload", "7")
    assert refused.exit_code == 4 and "There is no batch 7" in refused.output
    assert alarmed.warehouse("select kind, status from ledger.runs") == [("unload", "failed")]
    assert not (alarmed.folder / "alarm.txt").exists(), "who asked was told"
    assert "No run has ended yet" in ask(alarmed, "status").output
    garbage(alarmed)
    broken = ask(alarmed, "unload", "7")
    assert broken.exit_code == 4 and "cannot be read" in broken.output and "Traceback" not in broken.output
    assert "cannot be read" in alarm(alarmed)
    assert ask(alarmed, "status").exit_code == 4


@pytest.mark.parametrize(
    ("command", "trouble"),
    [("exit 3", "on_failure ended with code 3."), ("sleep 60 & sleep 60", "on_failure did not end within 1 seconds")],
    ids=["fails", "hangs"],
)
def test_an_alarm_that_fails_or_hangs_is_reported_itself(
    shop: Company, monkeypatch: pytest.MonkeyPatch, command: str, trouble: str
) -> None:
    monkeypatch.setattr("clientela.pipeline.alarm.COMMAND_SECONDS", 1, raising=False)
    shop.change(lambda settings: settings.update(on_failure=command))
    garbage(shop)
    began = time.monotonic()
    ended = ask(shop, "run", "--quiet")
    assert time.monotonic() - began < 30
    assert ended.exit_code == 4 and trouble in ended.stderr
    assert trouble in json.loads(ask(shop, "status", "--json").stdout)["alarm"]


def test_the_alarms_own_words_do_not_break_a_json_answer(shop: Company) -> None:
    shop.change(lambda settings: settings.update(on_failure="echo hello"))
    garbage(shop)
    done = subprocess.run(
        [sys.executable, "-m", "clientela", "run", "--json", "-c", str(shop.config_path)],
        capture_output=True, text=True, env=environment(),
    )  # fmt: skip
    assert json.loads(done.stdout)["exit_code"] == 4 and "hello" in done.stderr


# ------------------------------------------------------------------ signals


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


#: whoever starts the tests, in the background say, may have them ignore signals: the command starts as a shell starts it
AS_USUAL = """
import signal
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_SETMASK, set())
"""
#: a command whose night computes one endless query, or sleeps, and says when it has begun
SLOW = f"""{AS_USUAL}
import sys, time
import clientela.__main__ as command
from clientela import stopping
from clientela.pipeline.pipeline_run import PipelineRun

def query(run):
    print("begun", flush=True)
    run.connection.execute("select count(*) from range(100000) a(i), range(100000000) b(j) where (i * j) % 7 = 3").fetchall()

def ending(run):
    with stopping.deferred():
        print("begun", flush=True)
        time.sleep(60)

PipelineRun.load_all = {{"query": query, "ending": ending}}[sys.argv.pop(1)]
command.entry()
"""


@contextmanager
def under_way(company: Company, what: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", SLOW, what, "run", "--quiet", "-c", str(company.config_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "begun\n"
            time.sleep(0.3)
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_ends_a_long_query_with_a_word(alarmed: Company, number: signal.Signals) -> None:
    with under_way(alarmed, "query") as process:
        assert "under way" in ask(alarmed, "status").output
        began = time.monotonic()
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 7 and "Traceback" not in errors
    assert time.monotonic() - began < 30
    assert alarm(alarmed).startswith(f"stopped|The run was stopped by {number.name}; nothing was published.")
    assert ask(alarmed, "status").exit_code == 7
    assert alarmed.warehouse("select status from ledger.runs") == [("stopped",)]


def test_a_second_signal_ends_at_once_and_a_killed_run_is_not_taken_for_a_good_one(alarmed: Company) -> None:
    with under_way(alarmed, "ending") as process:
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        process.send_signal(signal.SIGHUP)
        time.sleep(1.5)
        assert process.poll() is None, "the same wish, said twice"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 7
    status = ask(alarmed, "status")
    assert status.exit_code == 4 and "never ended" in status.output


def test_ctrl_c_while_the_command_is_still_loading_ends_the_same_way(tmp_path: Path) -> None:
    code = f"""{AS_USUAL}
import os, sys
class Interrupt:
    def find_spec(self, name, *_):
        if name == "clientela.config.company":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
sys.argv[1:] = ["status"]
from clientela.__main__ import entry
entry()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), cwd=tmp_path)
    assert done.returncode == 7
    assert done.stderr == "Stopped by SIGINT.\n"


def test_ctrl_c_ends_every_command_the_same_way(shop: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("clientela.onboard.doctor.foretell", interrupted)
    ended = ask(shop, "doctor")
    assert ended.exit_code == 7 and "Stopped" in ended.output and "Abort" not in ended.output


def test_dbt_cannot_keep_a_stop_to_itself() -> None:
    from dbt.cli.main import dbtRunnerResult

    from clientela import transform

    with pytest.raises(KeyboardInterrupt):
        transform._heed_stop(dbtRunnerResult(success=False, exception=KeyboardInterrupt()))


# ------------------------------------------------------- files that are torn


def published(folder: Path) -> tuple[duckdb.DuckDBPyConnection, list[Mart]]:
    """A warehouse with one mart, which says whose it is, and a large one."""
    connection = duckdb.connect()
    connection.execute("create schema run; create schema operations; create schema value")
    connection.execute("create table run.context as select 'r1' as run_id, date '2026-01-31' as as_of_on")
    connection.execute("create table run.built (model varchar, run_id varchar)")
    connection.execute("create table operations.publication as from run.context")
    connection.execute("create table value.orders as select i, md5(i::varchar) as j from range(200000) r(i)")
    marts = [Mart("operations", "publication", "", {}), Mart("value", "orders", "", {})]
    connection.executemany("insert into run.built values (?, 'r1')", [[f"{m.schema}.{m.name}"] for m in marts])
    return connection, marts


def turned(path: Path, first: int, last: int) -> None:
    """These bytes of the file, turned round, in a file of its own: the old one's other names keep theirs."""
    content = bytearray(path.read_bytes())
    content[first:last] = bytes(255 - byte for byte in content[first:last])
    path.unlink()
    path.write_bytes(content)


@pytest.mark.parametrize("part", ["beginning", "middle"])
def test_a_damaged_published_file_is_reported_in_a_sentence_and_holds_nothing_back(shop: Company, part: str) -> None:
    connection, marts = published(shop.folder)
    folder = shop.config.published
    file = publish_marts(connection, shop.config, marts, folder).path
    size = file.stat().st_size
    turned(file, *((0, 12288 + 4096) if part == "beginning" else (size // 2, size)))
    asked = ask(shop, "sql", "select max(j) from value.orders")
    assert asked.exit_code == 4 and isinstance(asked.exception, SystemExit)
    assert f"{file} cannot be read: " in asked.output.replace("\n", "") and "`clientela publish`" in asked.output
    again = publish_marts(connection, shop.config, marts, folder)
    assert shop.published("select count(*) from value.orders") == [(200000,)]
    if part == "beginning":
        assert again.note.startswith(f"{file} could not be read and was replaced: ")


@pytest.mark.parametrize("text", ["", '{"status": "publ', "[]", "{}", b"\xff\xfe"], ids=str)
def test_a_torn_status_is_reported_in_a_sentence(shop: Company, text: str | bytes) -> None:
    shop.write("data/published/status.json", text)
    status = ask(shop, "status")
    assert status.exit_code == 4 and isinstance(status.exception, SystemExit)
    assert "is torn, or not a status; the next run writes it anew." in status.output.replace("\n", " ")


# -------------------------------------------------------------- the heartbeat


def test_a_company_of_which_nothing_is_heard_ends_with_six(shop: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    from clientela.pipeline.status import current_status

    shop.change(lambda settings: settings.update(max_silence="36 hours"))
    monkeypatch.setattr(PipelineRun, "load_all", lambda _: None)
    monkeypatch.setattr(PipelineRun, "require_sources", lambda _: None)
    monkeypatch.setattr(PipelineRun, "has_no_changes", lambda _: True)
    monkeypatch.setattr(PipelineRun, "day", NOW.date())
    assert run(shop.config).status == "nothing new"
    ended = datetime.now(UTC)
    assert current_status(shop.config, ended + timedelta(hours=35))["exit_code"] in (0, 3)
    late = current_status(shop.config, ended + timedelta(hours=37))
    assert late["exit_code"] == 6 and "No run has ended since" in late["message"]
    path = shop.config.published / "status.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "ended_at": "2026-01-01T00:00:00.000+00:00"}))
    status = ask(shop, "status")
    assert status.exit_code == 6 and "No run has ended since 2026-01-01" in status.output
    assert shop.config.fingerprint() == (shop.change(lambda s: s.pop("max_silence")), shop.config.fingerprint())[1], (
        "it changes no figure"
    )


@pytest.mark.parametrize("kind", ["as_of", "reload"])
def test_a_run_beside_the_nights_does_not_hide_that_the_night_failed(
    alarmed: Company, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    from clientela.pipeline.open_run import open_run

    def fail(_: PipelineRun) -> None:
        raise NotPublishedError("till.transactions is required and was refused")

    monkeypatch.setattr(PipelineRun, "load_all", fail)
    run(alarmed.config)
    with open_run(alarmed.config, kind):
        pass
    status = ask(alarmed, "status")
    assert status.exit_code == 4 and "was refused" in status.output


@pytest.mark.parametrize(("code", "is_alarmed"), [(0, False), (3, False), (4, True), (6, True), (7, True)])
def test_the_heartbeat_for_cron_tells_what_is_ill(tmp_path: Path, code: int, is_alarmed: bool) -> None:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"```crontab\n(.*clientela status.*)\n```", page)
    command = line.split(maxsplit=5)[5]
    assert "%" not in command, "a new line, to cron"
    for name, text in {"clientela": f"echo said; exit {code}", "mail": "cat > alarm.txt"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    command = command.replace("/opt/clientela/.venv/bin/", "")
    path = f"{tmp_path}:{os.environ['PATH']}"
    subprocess.run(["/bin/sh", "-c", command], env={"PATH": path, "HOME": str(tmp_path)}, cwd=tmp_path, check=False)
    assert (tmp_path / "alarm.txt").exists() == is_alarmed


def test_the_units_take_a_refused_batch_alone_for_well() -> None:
    units = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "deploy/systemd").glob("*.service")}
    for name in ("clientela-night.service", "clientela-heartbeat.service"):
        assert re.findall(r"^SuccessExitStatus=(.*)$", units[name], re.M) == ["3"], name
        assert "\nOnFailure=clientela-alarm@%n.service\n" in units[name]
        assert {"4", "7"} <= set(re.findall(r"\b[0-9]\b", units[name].partition("[Unit]")[0])), "told what each is"
    assert "clientela status" in units["clientela-heartbeat.service"]
    homes = {re.findall(r"^Environment=XDG_STATE_HOME=(.*)$", text, re.M)[0] for name, text in units.items()
             if "clientela run" in text or "clientela status" in text or "dagster-daemon" in text}  # fmt: skip
    assert len(homes) == 1, "the heartbeat looks where a run writes"


# ------------------------------------------------------------------- litter


def test_what_killed_runs_left_is_removed_by_the_next(shop: Company) -> None:
    from clientela.pipeline.open_run import open_run

    connection, marts = published(shop.folder)
    whole = publish_marts(connection, shop.config, marts, shop.config.published).path
    left = [
        shop.write(f"data/{name}", b"half")
        for name in (
            "published/.operations.123.duckdb",
            "published/.operations.123.duckdb.wal",
            "published/.marts.duckdb.123",
            "published/.status.json.123",
            "published/memory/.customer_registry.123.parquet",
            "published/versions/marts_20260101T000000000.duckdb",
            "published/versions/marts_20260101T000000000.duckdb.wal",
            "published/as_of/2026-01-31/versions/marts_x.duckdb.wal",
            "landing/till/transactions/.123.part",
            "scratch/as_of.duckdb",
            "scratch/unpacked/a.csv",
            "spill/duckdb_temp_storage-0.tmp",
        )
    ]
    kept = [shop.write(f"data/landing/till/transactions/{name}", "kept") for name in ("a-sales.csv", "b-sales.part")]
    kept += [whole, *whole.parent.glob("versions/marts_r1.duckdb")]
    with open_run(shop.config, "reload"):
        assert [path for path in left if path.exists()] == []
    assert all(path.exists() for path in kept) and len(kept) == 4
    assert not list(shop.config.published.glob(".*"))


def test_a_rollback_that_fails_does_not_hide_the_first_error() -> None:
    from clientela.warehouse.transactions import transaction

    class Full:
        def execute(self, statement: str) -> None:
            if statement == "rollback":
                raise duckdb.TransactionException("cannot rollback - no transaction is active")

    with pytest.raises(duckdb.IOException, match="No space left"), transaction(Full()):  # type: ignore[arg-type]
        raise duckdb.IOException("No space left on device")


def test_no_other_place_begins_a_transaction() -> None:
    """A rollback of one's own is what hid the first error."""
    found = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "clientela").rglob("*.py"))
        if '("rollback")' in path.read_text(encoding="utf-8") or '("begin")' in path.read_text(encoding="utf-8")
    ]
    assert found == ["clientela/warehouse/transactions.py"]


@pytest.mark.parametrize("kind", ["night", "publish", "as_of", "reload", "unload", "train", "plan"])
def test_a_stop_after_what_was_to_be_done_is_done_comes_too_late(
    shop: Company, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    from clientela import stopping
    from clientela.pipeline.open_run import open_run

    monkeypatch.setattr(stopping._Wish, "name", None)
    with open_run(shop.config, kind) as opened:
        opened.is_done = True
        stopping._Wish.name = "SIGTERM"
    assert opened.report is not None and opened.report.exit_code in (0, 3)
    with pytest.raises(ClientelaError) as stopped, open_run(shop.config, kind):
        pass
    assert stopped.value.exit_code == 7
