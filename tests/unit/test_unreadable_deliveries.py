"""What the machine cannot give of one feed holds back that feed alone; what it has no more of itself ends the run."""

import errno
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from clientela.errors import NotPublishedError
from clientela.extract import inbox
from clientela.load import landing
from clientela.load import loader as load
from clientela.load.outcome import Outcome
from clientela.pipeline.open_run import open_run
from tests.conftest import CUSTOMERS, NOW, Company


@pytest.fixture(autouse=True)
def no_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "validate", lambda *_: [])


def _load(company: Company, days: int = 0) -> dict[str, Outcome]:
    with open_run(company.config, now=NOW + timedelta(days=days)) as run:
        run.load_all()
        run.require_sources()
        return {outcome.entity: outcome for outcome in run.outcomes}


def _failing(what: Callable[..., Any], name: str, error: Callable[[Path], OSError]) -> Callable[..., Any]:
    """The function, failing for the file of that name."""

    def fail(*given: Any) -> Any:
        for one in given:
            if isinstance(one, Path | inbox.InboxFile) and one.name == name:
                raise error(one if isinstance(one, Path) else one.path)
        return what(*given)

    return fail


def test_a_file_that_goes_between_finding_and_reading_holds_back_its_own_feed(
    shop: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = load.look

    def found_and_gone(*asked: Any) -> inbox.Found:
        found = look(*asked)
        for file in found.files:
            if file.name == "customers.csv":
                file.path.unlink()
        return found

    monkeypatch.setattr(load, "look", found_and_gone)
    outcomes = _load(shop)
    assert outcomes["transactions"].status == "loaded"
    assert outcomes["customers"].status == "refused"
    assert outcomes["customers"].reason.endswith("customers.csv cannot be read: No such file or directory")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EISDIR, errno.EIO, errno.ESTALE])
def test_a_file_that_may_not_be_read_holds_back_its_own_feed(
    shop: Company, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(
        inbox,
        "_opened",
        _failing(inbox._opened, "customers.csv", lambda path: OSError(number, os.strerror(number), str(path))),
    )
    outcomes = _load(shop)
    assert outcomes["transactions"].status == "loaded"
    assert outcomes["customers"].reason.endswith(f"customers.csv cannot be read: {os.strerror(number)}")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENOMEM])
def test_what_the_machine_has_no_more_of_ends_the_run(
    shop: Company, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(
        landing, "land", _failing(landing.land, "customers.csv", lambda _: OSError(number, os.strerror(number)))
    )
    with pytest.raises(NotPublishedError, match=os.strerror(number)):
        _load(shop)


def test_a_landing_folder_that_may_not_be_written_ends_the_run(shop: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    own = shop.config.data / "landing" / "till" / "customers"
    error = PermissionError(errno.EACCES, "Permission denied", str(own / ".1.part"))
    monkeypatch.setattr(landing, "land", _failing(landing.land, "customers.csv", lambda _: error))
    with pytest.raises(NotPublishedError, match="Permission denied"):
        _load(shop)


def test_a_folder_that_is_away_is_reported_and_not_taken_for_an_empty_one(shop: Company) -> None:
    shop.change(lambda s: s["sources"]["till"]["entities"]["customers"].update(files="share/crm/customers*.csv"))
    shop.write("share/crm/customers.csv", CUSTOMERS)
    assert _load(shop)["customers"].status == "loaded"
    shutil.rmtree(shop.folder / "share" / "crm")
    outcomes = _load(shop, 1)
    assert outcomes["transactions"].status == "nothing new"
    assert outcomes["customers"].status == "refused"
    assert outcomes["customers"].reason == f"{shop.folder / 'share/crm'} cannot be read: No such file or directory"
    (shop.folder / "share" / "crm").mkdir()
    assert _load(shop, 2)["customers"].status == "nothing new", "an inbox that was emptied is none that is away"


RATES = "currency,valid_from,rate\nGBP,2026-01-01,1.20\n"


def test_a_reference_folder_that_is_away_holds_back_its_own_tables(shop: Company) -> None:
    shop.change(lambda s: s.update(reference_folder="reference"))
    shop.write("reference/exchange_rates.csv", RATES)
    assert _load(shop)["exchange_rates"].status == "loaded"
    shutil.rmtree(shop.folder / "reference")
    shop.write("sales_2.csv", (shop.folder / "sales_1.csv").read_text().replace("1,1,a", "7,1,a"))
    outcomes = _load(shop, 1)
    assert outcomes["exchange_rates"].status == "refused"
    assert "reference cannot be read: No such file or directory" in outcomes["exchange_rates"].reason
    assert outcomes["transactions"].status == "loaded"


@pytest.mark.parametrize("is_readable", [True, False], ids=["not UTF-8", "not allowed"])
def test_a_reference_table_that_cannot_be_read_holds_back_itself(
    shop: Company, monkeypatch: pytest.MonkeyPatch, is_readable: bool
) -> None:
    shop.change(lambda s: s.update(reference_folder="reference"))
    path = shop.write("reference/exchange_rates.csv", RATES.replace("rate\n", "ratio é\n").encode("latin-1"))
    if not is_readable:
        error = PermissionError(errno.EACCES, "Permission denied", str(path))
        monkeypatch.setattr(inbox, "_opened", _failing(inbox._opened, path.name, lambda _: error))
    outcomes = _load(shop)
    assert outcomes["exchange_rates"].status == "refused"
    assert "exchange_rates.csv" in outcomes["exchange_rates"].reason
    assert outcomes["transactions"].status == "loaded"


def test_text_that_its_reader_cannot_decode_refuses_the_batch(shop: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    from clientela.extract.open_file import open_file
    from clientela.load import staging

    def undecodable(connection: Any, feed: Any, *rest: Any) -> Any:
        if feed.entity.name == "customers":
            raise UnicodeDecodeError("utf-8", b"Mu\xf1oz", 2, 3, "invalid start byte")
        return open_file(connection, feed, *rest)

    open_file = open_file
    monkeypatch.setattr(staging, "open_file", undecodable)
    outcomes = _load(shop)
    assert outcomes["customers"].reason == "customers.csv is not written in utf-8"
    assert outcomes["transactions"].status == "loaded"
