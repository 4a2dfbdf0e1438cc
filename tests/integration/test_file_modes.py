"""Nobody else of the machine reaches what clientela keeps; a group of the company's choice reads what is published."""

import grp
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from clientela import file_modes
from clientela.errors import ClientelaError, ConfigError
from clientela.onboard.doctor import examine
from clientela.pipeline.open_run import open_run
from clientela.publish import publish_operations
from clientela.warehouse.lock import hold_lock
from tests.conftest import NOW, ROOT, SALES, Company


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def _everything(folder: Path) -> list[Path]:
    return [folder, *(path for path in folder.rglob("*") if not path.is_symlink())]


@pytest.fixture
def wide_umask(shop: Company) -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def _load_all(company: Company) -> list[str]:
    with open_run(company.config, now=NOW) as run:
        run.load_all()
        publish_operations(run.connection, company.config)
        return list(run.notices)


@pytest.mark.usefixtures("wide_umask")
def test_whatever_a_run_writes_is_its_owners_alone(shop: Company) -> None:
    shop.write("sales_1.csv", SALES.replace(".00", "x").replace(".50", "x"))
    (shop.folder / "sales_1.csv").chmod(0o644)
    examine(shop.config)
    assert _load_all(shop) == [], "nothing was ever open"
    data = shop.config.data
    assert _mode(data) == 0o700
    inside = [path for path in _everything(data) if not path.is_relative_to(shop.config.published)]
    assert {"landing", "gate", "quarantine", "warehouse.duckdb", "secret", "lock"} <= {path.name for path in inside}
    assert [(path, oct(_mode(path))) for path in inside if _mode(path) & 0o077] == []
    assert os.umask(0) == 0, "the process's own umask is as it was"


def test_a_whole_night_publishes_for_the_group_and_nobody_else(first_night: Path) -> None:
    company = Company(first_night)
    published = _everything(company.config.published)
    assert {"marts.duckdb", "operations.duckdb", "status.json", "versions"} <= {p.name for p in published}
    for path in published:
        assert _mode(path) == (0o750 if path.is_dir() else 0o640), path
    others = [path for path in _everything(company.config.data) if path not in published]
    assert [path for path in others if _mode(path) & 0o077] == []


def test_a_data_folder_that_was_open_is_closed_once_and_reported(shop: Company) -> None:
    _load_all(shop)
    data = shop.config.data
    for path in _everything(data):
        path.chmod(0o777 if path.is_dir() else 0o666)
    (finding,) = [finding for finding in examine(shop.config) if finding.source == "data"]
    assert finding.is_ill and "0777" in finding.sentence and str(data) in finding.sentence
    (notice,) = _load_all(shop)
    assert "could be reached by others" in notice
    assert (_mode(data), _mode(data / "landing"), _mode(data / "secret")) == (0o700, 0o700, 0o600)
    assert {_mode(path) for path in _everything(shop.config.published) if path.is_file()} == {0o640}
    below = [path for path in _everything(data) if not path.is_relative_to(shop.config.published)]
    assert [path for path in below if _mode(path) & 0o077] == [], "also what lies below a closed folder"
    assert _load_all(shop) == []
    assert [finding for finding in examine(shop.config) if finding.source == "data"] == []


def test_what_closing_did_stands_in_the_report(shop: Company) -> None:
    shop.config.data.mkdir(mode=0o755)
    shop.config.data.chmod(0o755)
    (shop.folder / "sales_1.csv").unlink()
    report = shop.night()
    assert report.exit_code == 4 and "could be reached by others" in report.notices[0]


def _other_group() -> grp.struct_group | None:
    mine = {os.getegid(), *os.getgroups()}
    known = grp.getgrall() if os.geteuid() == 0 else (g for g in grp.getgrall() if g.gr_gid in mine)
    return next((group for group in known if group.gr_gid != os.getegid()), None)


@pytest.mark.skipif(_other_group() is None, reason="who runs the tests is in one group only")
def test_a_group_passes_through_the_data_folder_and_reads_what_is_published_alone(shop: Company) -> None:
    group = _other_group()
    assert group is not None
    _load_all(shop)
    shop.change(lambda settings: settings.update(publish={"group": group.gr_name}))
    _load_all(shop)
    (shop.config.data / "published" / "as_of").mkdir()
    file_modes.make_shared_folder(shop.config.published / "as_of" / "2026-01-31")
    data = shop.config.data
    assert (_mode(data), data.stat().st_gid) == (0o710, group.gr_gid)
    _load_all(shop)
    for path in _everything(shop.config.published):
        assert (_mode(path), path.stat().st_gid) == (0o750 if path.is_dir() else 0o640, group.gr_gid), path
    others = [path for path in data.iterdir() if path.name != "published"]
    assert [path for path in others if _mode(path) & 0o077] == []
    shop.change(lambda settings: settings.pop("publish"))
    (notice,) = _load_all(shop)
    assert "its owner's alone" in notice and _mode(data) == 0o700


def test_a_group_that_cannot_be_given_files_is_said_before_anything_is_touched(
    shop: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.change(lambda settings: settings.update(publish={"group": "no such group"}))
    with pytest.raises(ConfigError, match="there is no such group"):
        _load_all(shop)
    assert not shop.config.data.exists()
    monkeypatch.setattr(file_modes.grp, "getgrnam", lambda name: SimpleNamespace(gr_gid=54321))
    monkeypatch.setattr(file_modes.os, "geteuid", lambda: 54322)
    with pytest.raises(ConfigError, match="not a member"):
        _load_all(shop)


@pytest.mark.parametrize("folder", [".", ".."])
def test_a_data_folder_that_holds_the_companys_own_files_is_not_closed(shop: Company, folder: str) -> None:
    before = _mode(shop.folder)
    shop.change(lambda settings: settings.update(data_folder=folder))
    with pytest.raises(ConfigError, match="name a folder of its own"), open_run(shop.config, now=NOW):
        pass
    assert _mode(shop.folder) == before


def test_links_in_the_data_folder_are_not_followed_when_it_is_closed(shop: Company) -> None:
    (shop.folder / "models").mkdir()
    before = _mode(shop.folder / "models")
    shop.config.data.mkdir()
    (shop.config.data / "models").symlink_to(shop.folder / "models")
    _load_all(shop)
    assert _mode(shop.folder / "models") == before


def test_the_lock_is_a_file_of_the_runners_own(tmp_path: Path) -> None:
    with hold_lock(tmp_path / "data", "Test"):
        assert _mode(tmp_path / "data" / "lock") == 0o600
    (tmp_path / "data" / "lock").unlink()
    (tmp_path / "elsewhere").write_text("kept", encoding="utf-8")
    (tmp_path / "data" / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ClientelaError, match="lock cannot be written"), hold_lock(tmp_path / "data", "Test"):
        pass
    assert (tmp_path / "elsewhere").read_text(encoding="utf-8") == "kept"


def test_the_units_and_the_image_write_for_their_owner() -> None:
    units = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
    assert len(units) == 5
    for unit in units:
        assert "\nUMask=0027\n" in unit.read_text(encoding="utf-8"), unit
    assert "umask 027" in (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
