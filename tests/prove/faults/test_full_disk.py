"""A disk that is full in the middle of a night: a sentence, nothing lost, nothing half published, the next night whole.

The company's data stands on a small file system of its own, which is filled up, but for what is left to the step, as the
step begins.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from clientela.pipeline.nightly import run
from tests.conftest import CUSTOMERS, MORE_SALES, NOW, SALES, SHOP, Company, marts

SIZE = 256 * 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _fill(disk: Path, left: int) -> Path:
    """A file that leaves so many bytes."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        file.write(b"\0" * max(shutil.disk_usage(disk).free - left, 0))
    return ballast


@pytest.fixture(scope="module")
def companies(tmp_path_factory: pytest.TempPathFactory) -> tuple[Company, dict[str, list[Any]]]:
    """A company that has had one night and holds new files since, and what its marts are to be after the next."""
    shop = Company(tmp_path_factory.mktemp("before"))
    settings = {**SHOP, "publish": {"personal_data": "full"}}
    shop.config_path.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    shop.write("sales_1.csv", SALES)
    shop.write("customers.csv", CUSTOMERS)
    shop.night()
    shop.write("sales_2.csv", MORE_SALES)
    # larger than what is left: this much cannot be loaded
    lines = "".join(f"{n},1,a,{'x' * 900}{n},1.00,2026-02-12 12:00:00\n" for n in range(1000, 4000))
    shop.write("sales_3.csv", MORE_SALES.splitlines()[0] + "\n" + lines)
    undisturbed = Company(tmp_path_factory.mktemp("undisturbed") / "copy")
    shutil.copytree(shop.folder, undisturbed.folder)
    undisturbed.night()
    return shop, marts(undisturbed)


@pytest.mark.prove
@pytest.mark.parametrize("left", [0, 300, 2000], ids=lambda kilobytes: f"{kilobytes} kB left")
@pytest.mark.parametrize("step", ["load", "transform", "publish"])
def test_a_full_disk_ends_the_night_with_a_sentence_and_the_next_heals(
    companies: tuple[Company, dict[str, list[Any]]], small_disk: Path, step: str, left: int
) -> None:
    before, expected = companies
    shutil.copytree(before.folder, small_disk / "shop")
    shop = Company(small_disk / "shop")
    steps = []

    def watch(name: str, subject: str, _: str) -> None:
        if name == step and step not in steps:
            _fill(small_disk, left * 1024)
        steps.append(name)

    report = run(shop.config, watch=watch, now=NOW)
    assert step in steps
    if report.exit_code == 0:
        assert left, "with nothing left no night succeeds"
    else:
        assert (report.status, report.exit_code) == ("failed", 4)
        assert "space" in report.message.lower(), report.message
        assert "\n" not in report.message
        assert marts(shop) == marts(before)
    (small_disk / "ballast").unlink()
    report = shop.night()
    assert report.exit_code == 0, report.message
    assert shop.warehouse("select count(*) from ledger.runs where status = 'running'") == [(0,)]
    assert marts(shop) == expected
    assert not list(shop.config.data.rglob("*.part")) and not list(shop.config.published.glob(".*"))
