"""Reloads and unloads over more nights: the past keeps what it knew, a batch comes again, snapshots reconcile in the marts."""

import shutil
from datetime import date, datetime
from pathlib import Path

import pytest

from clientela.pipeline.past_day import run_as_of
from clientela.pipeline.reapply_batch import reapply
from tests.conftest import NOW, Company, marts
from tests.integration.test_reload_in_marts import APRIL, LATER, OF_MARCH, frozen, gives_way, published_as_of, read_anew

pytestmark = pytest.mark.prove


def test_money_of_dated_snapshots_reconciles_in_the_marts(shop: Company) -> None:
    """A line vanishes, comes back and changes from day to day. That days may come in any order: tests/unit/test_snapshots.py."""
    head = "receipt,line,customer,product,net,sold_at\n"
    days = {
        "20260210": head + "1,1,a,bread,2.00,2026-01-05 10:00:00\n2,1,b,bread,4.00,2026-01-20 18:30:00\n",
        "20260211": head
        + "1,1,a,bread,2.00,2026-01-05 10:00:00\n3,1,a,wine,7.00,2026-02-02 09:00:00\n9,1,a,x,bad,2026-02-02\n",
        "20260212": head + "2,1,b,bread,5.00,2026-01-20 18:30:00\n3,1,a,wine,8.00,2026-02-02 09:00:00\n",
    }
    gate = {"quarantined_share": {"severity": "off"}}
    delivery = {"delivery": "snapshot", "version_by": r"file_date: sales_(\d{8})", "gate": gate}
    (shop.folder / "sales_1.csv").unlink()
    shop.change(lambda s: s["sources"]["till"]["entities"]["transactions"].update(delivery))
    for day, text in days.items():
        shop.write(f"sales_{day}.csv", text)
    report = shop.night()
    assert report.status == "published", report.message
    assert shop.published("select order_key, net_amount from value.order_lines order by 1") == [("2", 5), ("3", 8)]
    assert shop.published("select sum(net_revenue) from value.customer_value") == [(13,)]


def test_what_was_known_before_a_reload_stays_known(shop: Company, tmp_path_factory: pytest.TempPathFactory) -> None:
    first = read_anew(shop, Company(tmp_path_factory.mktemp("always")))
    assert run_as_of(shop.config, datetime(2026, 2, 10).date(), known_at=NOW).exit_code == 0
    assert marts(shop, "as_of/2026-02-10/marts.duckdb") == first, "what was known before the reload stays known"
    assert shop.night(LATER).status == "nothing new"


def test_a_batch_that_is_brought_back_brings_its_day_back(running: Company, tmp_path: Path) -> None:
    shutil.copytree(running.folder, tmp_path / "with it")
    with_it = Company(tmp_path / "with it")
    with_it.write("sales_2.csv", OF_MARCH)
    assert with_it.night(APRIL).exit_code == 0
    batch_id = gives_way(running)
    assert running.night(APRIL).status == "nothing new"
    reapply(running.config, batch_id, now=APRIL)
    report = running.night(APRIL)
    assert (report.status, report.exit_code, report.message) == ("published", 0, "")
    assert (published_as_of(running), frozen(running)) == (date(2026, 3, 12), frozen(with_it))
    assert marts(running) == marts(with_it)
