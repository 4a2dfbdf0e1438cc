"""Nights stopped by a signal at random instants: each says so, within seconds, and the night after heals.

Beside it: a data folder on a file system that cannot be written, and what is told of it then.
"""

import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from clientela.cli.main import main
from tests.conftest import Company, marts
from tests.prove.faults.test_random_kills import _deliver

STOPS = int(os.environ.get("CLIENTELA_STOPS", "40"))
#: a fit or a parse under way is not broken off, and the alarm comes after
PATIENCE = timedelta(seconds=30)


def _command(config_path: str) -> None:
    from clientela.__main__ import entry

    sys.argv[1:] = ["run", "--quiet", "-c", config_path]
    entry()


def _start(company: Company) -> multiprocessing.process.BaseProcess:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.prove.warm"])
    child = context.Process(target=_command, args=(str(company.config_path),))
    child.start()
    return child


def _finish(company: Company) -> float:
    began = time.monotonic()
    child = _start(company)
    child.join()
    assert child.exitcode == 0
    return time.monotonic() - began


def _runs(company: Company) -> dict[str, int]:
    return dict(company.warehouse("select status, count(*) from ledger.runs group by 1"))


@pytest.mark.prove
def test_stops_at_random_instants_are_reported_and_lose_nothing(
    shop: Company, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shop.change(
        lambda s: s.update(publish={"personal_data": "full"}, on_failure='echo "$CLIENTELA_STATUS" >> alarm.txt')
    )
    _finish(shop)
    _deliver(shop, 0)
    before = marts(shop)
    folder = tmp_path_factory.mktemp("stops")
    shutil.copytree(shop.folder, folder / "waiting")
    shutil.copytree(shop.folder, folder / "undisturbed")
    undisturbed = Company(folder / "undisturbed")
    length = _finish(undisturbed)
    expected: dict[str, list[Any]] = marts(undisturbed)
    assert expected != before
    chance, waits, alarm = random.Random(1), [], shop.folder / "alarm.txt"
    while len(waits) < STOPS:
        known = _runs(shop)
        child = _start(shop)
        instant, number = chance.uniform(0, length), chance.choice([signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
        child.join(instant)
        asked = time.monotonic()
        if child.is_alive():
            os.kill(child.pid or 0, number)
        child.join()
        what = f"{number.name} after {instant:.2f} s of {length:.1f}, exit code {child.exitcode}"
        status = json.loads((shop.config.published / "status.json").read_text())
        runs = _runs(shop)
        assert "running" not in runs and "killed" not in runs and "failed" not in runs, what
        if child.exitcode == 7 and runs != known:
            waits.append(timedelta(seconds=time.monotonic() - asked))
            assert runs == {**known, "stopped": known.get("stopped", 0) + 1}, what
            assert (status["status"], status["exit_code"]) == ("stopped", 7), what
            assert alarm.read_text() == "stopped\n", what
            assert marts(shop) == before, what
        elif child.exitcode == 0:
            assert status["status"] == "published" and not alarm.exists(), what
            assert marts(shop) == expected, what
            shutil.rmtree(shop.folder)
            shutil.copytree(folder / "waiting", shop.folder)
        else:
            assert child.exitcode in (7, -number) and runs == known and not alarm.exists(), f"{what}: it had not begun"
        alarm.unlink(missing_ok=True)
    _finish(shop)
    assert marts(shop) == expected
    assert not list(shop.config.published.glob("**/.*")) and not list(shop.config.data.glob("scratch/*"))
    assert max(waits) < PATIENCE, waits
    print(f"{len(waits)} stops, {max(waits)} at most")


@pytest.mark.prove
def test_a_data_folder_that_cannot_be_written_is_reported_beside(running: Company) -> None:
    running.change(lambda s: s.update(on_failure='echo "$CLIENTELA_MESSAGE" > alarm.txt'))
    data = running.config.data
    for options in (["--bind", str(data), str(data)], ["-o", "remount,ro,bind", str(data)]):
        mounted = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
        if mounted.returncode:
            pytest.skip(f"nothing can be mounted read-only here: {mounted.stderr.strip()}")
    try:
        ended = CliRunner().invoke(main, ["run", "-c", str(running.config_path)])
        assert ended.exit_code == 4 and "Read-only file system" in ended.output
        assert "Read-only file system" in (running.folder / "alarm.txt").read_text()
        status = CliRunner().invoke(main, ["status", "-c", str(running.config_path)])
        assert status.exit_code == 4 and "Read-only file system" in status.output
        assert json.loads(Path(data / "published/status.json").read_text())["status"] == "published"
    finally:
        subprocess.run(["umount", "--lazy", str(data)], check=True)
    assert running.night().exit_code == 0
    assert CliRunner().invoke(main, ["status", "-c", str(running.config_path)]).exit_code == 0
