"""After a reload or an unload the next night builds marts as if it had always been so."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from clientela.pipeline.reload_batches import reload
from clientela.pipeline.unload_batch import unload
from tests.conftest import Company, marts

OVERLAPPING = """receipt,line,customer,product,net,sold_at
2,1,b,bread,2.00,2026-01-20 18:30:00
4,1,a,wine,17.00,2026-02-10 12:00:00
"""
LATER = datetime(2026, 3, 2, 3, tzinfo=UTC)
APRIL = datetime(2026, 4, 1, 3, tzinfo=UTC)


def _doubled(settings: dict[str, Any]) -> None:
    settings["sources"]["till"]["entities"]["transactions"]["columns"]["net_amount"] = {"sql": "number(net) * 2"}


def test_marts_after_a_reload_are_those_of_a_company_that_always_read_its_files_so(
    shop: Company, tmp_path_factory: pytest.TempPathFactory
) -> None:
    read_anew(shop, Company(tmp_path_factory.mktemp("always")))


def read_anew(shop: Company, always: Company) -> dict[str, list[tuple[Any, ...]]]:
    """A night, a reload under another mapping, and a night; gives the marts of the first. tests/prove/nights goes on."""
    shop.change(lambda s: s.update(publish={"personal_data": "full"}))
    shop.write("sales_2.csv", OVERLAPPING)
    shop.night()
    first = marts(shop)
    shop.change(_doubled)
    reload(shop.config, "till", "transactions", now=LATER)
    report = shop.night(LATER)
    assert report.status == "published", report.message
    for name in ("clientela.yml", "sales_1.csv", "sales_2.csv", "customers.csv"):
        always.write(name, (shop.folder / name).read_bytes())
    assert always.night(LATER).status == "published"
    assert marts(shop) == marts(always)
    return first


OF_MARCH = """receipt,line,customer,product,net,sold_at
6,1,a,wine,8.50,2026-03-10 12:00:00
7,1,b,bread,2.00,2026-03-12 12:00:00
"""


def frozen(company: Company) -> list[tuple[Any, ...]]:
    """The days of which predictions are frozen."""
    return company.published("select distinct as_of_on from quality.value_predictions order by 1")


def published_as_of(company: Company) -> date:
    """The day that the published file is of."""
    ((day,),) = company.published("select as_of_on from operations.publication")
    return day  # type: ignore[no-any-return]


def test_a_day_whose_batch_is_taken_back_gives_way(running: Company) -> None:
    gives_way(running)


def gives_way(running: Company) -> int:
    """A night of March whose batch is taken back by the next; gives the batch. tests/prove/nights brings it back."""
    before, frozen_before = marts(running), frozen(running)
    running.write("sales_2.csv", OF_MARCH)
    assert running.night(APRIL).exit_code == 0
    assert (published_as_of(running), len(frozen(running))) == (date(2026, 3, 12), len(frozen_before) + 1)

    ((batch_id,),) = running.warehouse("select max(batch_id) from ledger.loads")
    unload(running.config, batch_id, now=APRIL)
    report = running.night(APRIL)
    assert (report.status, report.exit_code) == ("published", 0), report.message
    assert report.message == (
        "No loaded transaction reaches 2026-03-12 any more, the day of the file published before: "
        "published as of 2026-02-02."
    )
    assert running.warehouse("select message from ledger.runs order by rowid desc limit 1") == [(report.message,)]
    assert (published_as_of(running), frozen(running)) == (date(2026, 2, 2), frozen_before)
    assert marts(running) == before
    return int(batch_id)
