"""The inbox is a trust boundary: what somebody lays into it is read only if it is a plain file of somebody trusted."""

import gzip
import os
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from clientela.errors import DeliveryError
from clientela.extract.feeds import feeds_of
from clientela.load.outcome import Outcome
from clientela.masking import read_secret
from clientela.onboard.doctor import examine
from clientela.pipeline.open_run import open_run
from tests.conftest import CUSTOMERS, MORE_SALES, NOW, SALES, Company

TILL = ("sources", "till", "entities", "transactions")


def _change(company: Company, path: tuple[str, ...] = TILL, **values: Any) -> None:
    def change(settings: dict[str, Any]) -> None:
        for name in path:
            settings = settings.setdefault(name, {})
        settings.update(values)

    company.change(change)


def _load(company: Company, entity: str = "transactions") -> Outcome:
    with open_run(company.config, now=NOW) as run:
        (feed,) = [feed for feed in feeds_of(company.config) if feed.entity.name == entity]
        return run.load(feed)[0]


def _landed(company: Company) -> list[bytes]:
    return [path.read_bytes() for path in (company.config.data / "landing").rglob("*") if path.is_file()]


def _link_to_file(company: Company, target: Path) -> None:
    (company.folder / "sales_2.csv").symlink_to(target)


def _link_to_folder(company: Company, target: Path) -> None:
    (company.folder / "in").mkdir()
    (company.folder / "in" / "madrid").symlink_to(target.parent, target_is_directory=True)
    target.with_name("sales_2.csv").write_bytes(target.read_bytes())
    _change(company, files="in/*/sales*.csv")


def _link_to_folder_at_any_depth(company: Company, target: Path) -> None:
    _link_to_folder(company, target)
    _change(company, files="in/**/sales*.csv")


def _hard_link(company: Company, target: Path) -> None:
    os.link(target, company.folder / "sales_2.csv")


@pytest.mark.parametrize("lay", [_link_to_file, _link_to_folder, _link_to_folder_at_any_depth, _hard_link])
def test_another_file_of_the_machine_is_neither_copied_nor_quoted(
    shop: Company, tmp_path_factory: pytest.TempPathFactory, lay: Callable[[Company, Path], None]
) -> None:
    other = tmp_path_factory.mktemp("elsewhere") / "payroll.csv"
    other.write_text("a confidence between two\n", encoding="utf-8")
    lay(shop, other)
    outcome = _load(shop)
    assert outcome.status == "refused" and "link" in outcome.reason
    assert "confidence" not in outcome.reason
    assert not any(b"confidence" in content for content in _landed(shop))


def test_a_link_to_the_secret_tells_nothing_of_it(shop: Company) -> None:
    secret = read_secret(shop.config.data)
    (shop.folder / "sales_1.csv").unlink()
    (shop.folder / "sales_1.csv").symlink_to(shop.config.data / "secret")
    outcome = _load(shop)
    (finding, *_) = examine(shop.config)
    for text in (outcome.reason, finding.sentence, *finding.notes):
        assert secret not in text
    assert outcome.status == "refused" and finding.is_ill
    assert "sales_1.csv is a link" in outcome.reason and "sales_1.csv is a link" in finding.sentence
    assert _landed(shop) == []


def test_the_configured_folder_itself_may_be_a_link(shop: Company, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("volume") / "exports"
    elsewhere.mkdir()
    (elsewhere / "sales_1.csv").write_text(SALES, encoding="utf-8")
    (shop.folder / "inbox").symlink_to(elsewhere, target_is_directory=True)
    _change(shop, files="inbox/sales*.csv")
    assert _load(shop).loaded == 4


def test_pipes_sockets_and_links_to_nothing_are_left_alone_and_reported(shop: Company) -> None:
    os.mkfifo(shop.folder / "sales_2.csv")
    (shop.folder / "sales_3.csv").symlink_to("sales_3.csv")
    (shop.folder / "sales_4.csv").symlink_to("nowhere.csv")
    here = Path.cwd()
    os.chdir(shop.folder)
    try:
        socket.socket(socket.AF_UNIX).bind("sales_5.csv")
    finally:
        os.chdir(here)
    outcome = _load(shop)
    assert (outcome.status, outcome.loaded) == ("loaded", 4)
    ignored = " ".join(outcome.ignored)
    for sentence in ("sales_2.csv is a pipe", "sales_3.csv is a link in a circle", "sales_4.csv is a link"):
        assert sentence in ignored
    assert "sales_5.csv is a socket" in ignored
    assert any("sales_2.csv is a pipe" in note for note in examine(shop.config)[0].notes)
    assert "sales_2.csv is a pipe" in " ".join(_load(shop).ignored), "each night, also where nothing is new"


def test_a_link_in_a_circle_is_left_alone_and_reported(shop: Company) -> None:
    (shop.folder / "in" / "till").mkdir(parents=True)
    (shop.folder / "sales_1.csv").rename(shop.folder / "in" / "till" / "sales_1.csv")
    (shop.folder / "in" / "till" / "again").symlink_to(shop.folder / "in", target_is_directory=True)
    _change(shop, files="in/**/sales*.csv")
    outcome = _load(shop)
    assert (outcome.status, outcome.loaded) == ("loaded", 4)
    assert outcome.ignored == ("till/again is a link in a circle",)


def _belongs_to_somebody_else(path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Somebody else's file: given away by root; for any other user who runs the tests, he is the stranger."""
    if os.geteuid() == 0:
        os.chown(path, 54321, -1)
    else:
        monkeypatch.setattr("clientela.extract.inbox.os.geteuid", lambda: 54322)
    return path.stat().st_uid


def test_a_file_of_somebody_who_is_not_trusted_is_refused_until_they_are(
    shop: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = _belongs_to_somebody_else(shop.folder / "sales_1.csv", monkeypatch)
    outcome = _load(shop)
    assert outcome.status == "refused"
    assert "trusted_owners: [" in outcome.reason
    _change(shop, ("inbox",), trusted_owners=[stranger, "nobody-of-that-name"])
    assert _load(shop).loaded == 4


def test_a_file_that_everybody_can_write_is_refused(shop: Company) -> None:
    (shop.folder / "sales_1.csv").chmod(0o666)
    outcome = _load(shop)
    assert outcome.status == "refused" and "sales_1.csv can be written by everybody" in outcome.reason
    (shop.folder / "sales_1.csv").chmod(0o664)
    assert os.geteuid() != 0 or _load(shop).loaded == 4


@pytest.mark.parametrize(
    ("members", "writers"),
    [([], ""), (["ana"], ""), (["ana", "eve"], "the group staff"), (["ghost"], "the group staff")],
)
def test_a_group_may_write_if_all_its_members_are_trusted(
    members: list[str], writers: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from clientela.extract import inbox

    users = [
        SimpleNamespace(pw_name="ana", pw_uid=1001, pw_gid=1001),
        SimpleNamespace(pw_name="eve", pw_uid=1002, pw_gid=1002),
    ]
    monkeypatch.setattr(inbox.pwd, "getpwall", lambda: users)
    monkeypatch.setattr(inbox.grp, "getgrgid", lambda gid: SimpleNamespace(gr_name="staff", gr_mem=members))
    seen = SimpleNamespace(st_gid=50, st_uid=1001)
    assert inbox._writers(seen, frozenset({0, 1001}), tmp_path) == writers  # type: ignore[arg-type]
    private = SimpleNamespace(st_gid=1002, st_uid=1001)
    assert inbox._writers(private, frozenset({0, 1001}), tmp_path), "eve's own group"  # type: ignore[arg-type]


def test_what_clientela_writes_is_no_delivery(shop: Company) -> None:
    _change(shop, files="**/sales*.csv")
    assert _load(shop).loaded == 4
    landed = next((shop.config.data / "landing").rglob("*sales*"))
    landed.with_name("sales_9.csv").write_text(MORE_SALES, encoding="utf-8")
    outcome = _load(shop)
    assert outcome.status == "nothing new" and "in the data folder" in " ".join(outcome.ignored)
    _change(shop, files=f"data/{landed.parent.relative_to(shop.config.data)}/sales*.csv")
    outcome = _load(shop)
    assert outcome.status == "refused" and "lies in the data folder" in outcome.reason


def test_control_totals_are_read_like_every_delivered_file(
    shop: Company, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("elsewhere") / "totals.csv"
    other.write_text("file,rows\nsales_1.csv,a confidence\n", encoding="utf-8")
    (shop.folder / "totals.csv").symlink_to(other)
    _change(shop, control_totals={"files": "totals.csv", "rows_column": "rows"})
    outcome = _load(shop)
    assert outcome.status == "refused" and "totals.csv is a link" in outcome.reason
    (shop.folder / "totals.csv").unlink()
    shop.write("totals.csv", gzip.compress(b"file,rows\nsales_1.csv,4\n"))
    assert _load(shop).loaded == 4


def test_a_reference_table_is_read_like_every_delivered_file(
    shop: Company, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("elsewhere") / "rates.csv"
    other.write_text("currency,valid_from,rate\nUSD,2026-01-01,0.9\n", encoding="utf-8")
    (shop.folder / "reference [1]").mkdir()
    _change(shop, (), reference_folder="reference [1]")
    place = shop.folder / "reference [1]" / "exchange_rates.csv"
    place.symlink_to(other)
    outcome = _load(shop, "exchange_rates")
    assert outcome.status == "refused" and "exchange_rates.csv is a link" in outcome.reason
    place.unlink()
    place.write_bytes(other.read_bytes())
    assert _load(shop, "exchange_rates").loaded == 1


def test_what_is_put_in_the_place_of_a_file_that_was_seen_is_not_read(shop: Company) -> None:
    from clientela.extract.inbox import look, opened

    (shop.folder / "in").mkdir()
    shop.write("in/sales_1.csv", SALES)
    (file,) = look(shop.config, ["in/*.csv"]).files
    file.path.rename(file.path.with_name("kept"))
    file.path.symlink_to(shop.folder / "customers.csv")
    with pytest.raises(DeliveryError, match="cannot be read"), opened(file):
        pass
    file.path.unlink()
    os.link(shop.folder / "customers.csv", file.path)
    with pytest.raises(DeliveryError, match="hard links"), opened(file):
        pass
    (nested,) = look(shop.config, ["*/kept"]).files
    (shop.folder / "in").rename(shop.folder / "was")
    (shop.folder / "in").symlink_to(shop.folder / "was", target_is_directory=True)
    with pytest.raises(DeliveryError, match="cannot be read"), opened(nested):
        pass
    (shop.folder / "in").unlink()
    with pytest.raises(DeliveryError, match="cannot be read"), opened(nested):
        pass


def test_the_files_of_a_package_are_code_however_they_were_installed(
    shop: Company, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path_factory.mktemp("site")
    package = installed / "delivered_with_a_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (installed / "cached").write_text(SALES, encoding="utf-8")
    os.link(installed / "cached", package / "sales_1.csv")
    (installed / "other").write_text(MORE_SALES, encoding="utf-8")
    (package / "sales_2.csv").symlink_to(installed / "other")
    monkeypatch.syspath_prepend(installed)
    _change(shop, files="package:delivered_with_a_package/sales*.csv")
    assert _load(shop).loaded == 6


def test_the_sensor_lets_a_night_tell_what_is_refused(shop: Company) -> None:
    from dagster_project.defs.sensors import listing_of

    before = listing_of(shop.config)
    (shop.folder / "sales_2.csv").symlink_to(shop.folder / "customers.csv")
    assert listing_of(shop.config) != before


def test_a_refused_file_holds_back_its_own_feed_alone(shop: Company) -> None:
    (shop.folder / "customers_2.csv").symlink_to(shop.config.data / "secret")
    with open_run(shop.config, now=NOW) as run:
        run.load_all()
        states = {state.entity: state.status for state in run.source_states()}
    assert states == {"transactions": "loaded", "customers": "refused"}


def test_names_are_read_as_a_shell_would_read_them(shop: Company) -> None:
    from clientela.extract.inbox import look

    for name in ("in/a/b/x.csv", "in/x.csv", "in/.hidden/x.csv", "in/.x.csv", "in/y.csv", "in/[1].csv"):
        shop.write(name, CUSTOMERS)

    def found(pattern: str) -> list[str]:
        return sorted(str(file.path.relative_to(shop.folder)) for file in look(shop.config, [pattern]).files)

    assert found("in/**/x.csv") == ["in/a/b/x.csv", "in/x.csv"]
    assert found("in/**") == ["in/[1].csv", "in/a/b/x.csv", "in/x.csv", "in/y.csv"]
    assert found("in/*/*/x.csv") == ["in/a/b/x.csv"]
    assert found("in/[xy].csv") == ["in/x.csv", "in/y.csv"]
    assert found("in/[[]1].csv") == ["in/[1].csv"]
    assert found("in/.hidden/x.csv") == ["in/.hidden/x.csv"]
    assert found(str(shop.folder / "in" / "x.csv")) == ["in/x.csv"]
    assert found("in/../in/y.csv") == ["in/y.csv"]
    assert found("nowhere/*.csv") == []
