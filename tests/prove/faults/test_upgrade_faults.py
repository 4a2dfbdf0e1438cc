"""An upgrade that is killed at any instant, or runs out of disk: the warehouse opens, is whole, and is upgraded once more."""

import hashlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from clientela.config.company import Config
from clientela.errors import ClientelaError
from clientela.pipeline.upgrade import upgrade
from clientela.warehouse.upgrade import layout, present_layout
from tests.conftest import Company
from tests.integration.test_upgrade import in_child, upgrade_and_die
from tests.integration.upgrade_fixture import needs_duckdb_2, unpack_0_1

pytestmark = [pytest.mark.prove, needs_duckdb_2]

KILLS = int(os.environ.get("CLIENTELA_KILLS", "200")) // 4
#: every function that the upgrade passes through
POINTS = (
    *(f"clientela.warehouse.upgrade.{name}" for name in ("plan", "carry_out", "_make_copy", "_attach", "_create")),
    *(f"clientela.warehouse.upgrade.{name}" for name in ("_step_forward", "_arrange", "_sync", "_keep", "_switch")),
    *(f"clientela.warehouse.memory.{name}" for name in ("export", "withdraw")),
    *("os.link", "os.replace", "os.fsync", "shutil.copytree", "shutil.rmtree"),
)


def _contents(config: Config) -> list[list[tuple[Any, ...]]]:
    with duckdb.connect(str(config.warehouse), read_only=True) as connection:
        assert layout(connection) == present_layout()
        return [
            connection.execute(f'select * from {schema}."{table}" order by all').fetchall()
            for schema, table in sorted(present_layout())
            if table != "schema_version"
        ]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[list[tuple[Any, ...]]]:
    company = unpack_0_1(tmp_path_factory.mktemp("undisturbed"))
    upgrade(company.config)
    return _contents(company.config)


def _is_whole(company: Company, first: str, undisturbed: list[list[tuple[Any, ...]]]) -> None:
    """Either nothing was done to the warehouse or all of it; the next upgrade does what is left."""
    if _sha256(company.config.warehouse) != first:
        assert _contents(company.config) == undisturbed
    upgrade(company.config)
    assert _contents(company.config) == undisturbed
    assert not (company.config.data / "upgrade").exists()
    assert not (company.config.data / "warehouse.duckdb.wal").exists()


@pytest.mark.parametrize("point", POINTS)
def test_killed_wherever_it_may_be(tmp_path: Path, point: str, undisturbed: list[list[tuple[Any, ...]]]) -> None:
    company = unpack_0_1(tmp_path)
    first = _sha256(company.config.warehouse)
    assert in_child(upgrade_and_die, company, point) == -signal.SIGKILL
    _is_whole(company, first, undisturbed)


def test_killed_at_random_instants(tmp_path: Path, undisturbed: list[list[tuple[Any, ...]]]) -> None:
    draw = random.Random(1)
    length = _seconds(unpack_0_1(tmp_path / "measured"))
    ended = 0
    for number in range(KILLS):
        company = unpack_0_1(tmp_path / str(number))
        first = _sha256(company.config.warehouse)
        ended += in_child(_upgrade, company, seconds=draw.uniform(0, length)) == 0
        _is_whole(company, first, undisturbed)
        shutil.rmtree(company.folder)
    assert ended < KILLS / 2, "most were killed before they had ended"


def _seconds(company: Company) -> float:
    began = time.monotonic()
    assert in_child(_upgrade, company) == 0
    return time.monotonic() - began


def _upgrade(config: Config) -> None:
    upgrade(config)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64M", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("left", [0, 200_000, 1_000_000, 3_000_000, 4_700_000, 5_000_000])
def test_a_disk_without_room_for_a_second_warehouse(
    small_disk: Path, left: int, undisturbed: list[list[tuple[Any, ...]]]
) -> None:
    company = unpack_0_1(small_disk / "company")
    first = _sha256(company.config.warehouse)
    ballast = small_disk / "ballast"
    with ballast.open("wb") as file:
        file.write(b"\0" * (shutil.disk_usage(small_disk).free - left))
    try:
        upgrade(company.config)
    except ClientelaError as error:
        assert "is full" in error.sentence or "No space left" in error.sentence, error.sentence
    else:
        assert left > 4_000_000, "a second warehouse does not fit"
    ballast.unlink()
    _is_whole(company, first, undisturbed)
