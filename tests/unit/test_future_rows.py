"""A row dated after its delivery: quarantined alone, and judged by the day it first came whenever it is judged again."""

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import duckdb
import pytest

from clientela.contracts import ENTITIES
from clientela.load import loader as load
from clientela.load.outcome import Outcome
from clientela.pipeline.as_of import latest_day
from clientela.pipeline.open_run import open_run
from clientela.pipeline.rebuild import rebuild
from clientela.pipeline.reload_batches import reload
from tests.conftest import NOW, SALES, Company

MUCH_LATER = NOW + timedelta(days=400)
REASON = "dated more than 24 hours after it was delivered"
AHEAD = "8,1,a,bread,2.00,2026-03-20 10:00:00\n"
#: Madrid is an hour ahead of UTC: 20 hours after NOW
WITHIN_CLOCKS = "9,1,a,bread,2.00,2026-03-02 00:00:00\n"


@pytest.fixture(autouse=True)
def no_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in the future is judged where values are typed: no threshold lets it in."""
    monkeypatch.setattr(load, "validate", lambda *_: [])


def _load(company: Company, now: datetime = NOW) -> dict[str, Outcome]:
    with open_run(company.config, now=now) as run:
        run.load_all()
        return {outcome.entity: outcome for outcome in run.outcomes}


def _in_force(company: Company) -> list[tuple[str, ...]]:
    return company.warehouse(
        """
        select record_key from raw.transactions
        where batch_id in (select batch_id from ledger.loads where status = 'loaded') order by 1
        """
    )


def _quarantined(company: Company) -> list[tuple[int, str, str]]:
    return company.warehouse(
        """
        select source_row, field, reason from ledger.quarantined_rows
        where batch_id in (select batch_id from ledger.loads where status = 'loaded')
        """
    )


def test_a_row_in_the_future_is_quarantined_and_the_rest_is_loaded(shop: Company) -> None:
    shop.write("sales_1.csv", SALES + AHEAD + WITHIN_CLOCKS)
    outcome = _load(shop)["transactions"]
    assert (outcome.delivered, outcome.loaded, outcome.quarantined) == (6, 5, 1)
    assert _quarantined(shop) == [(6, "ordered_at", REASON)]


def test_a_reload_much_later_judges_by_the_day_of_the_first_landing(shop: Company) -> None:
    shop.write("sales_1.csv", SALES + AHEAD + WITHIN_CLOCKS)
    _load(shop)
    before = _in_force(shop), _quarantined(shop)
    for days in (0, 1):
        reload(shop.config, "till", "transactions", now=MUCH_LATER + timedelta(days=days))
        assert (_in_force(shop), _quarantined(shop)) == before
    landed = shop.warehouse("select distinct landed_at from ledger.load_files where entity = 'transactions'")
    assert landed == [(NOW,)]


def test_a_warehouse_built_again_from_the_kept_files_judges_alike(shop: Company) -> None:
    shop.write("sales_1.csv", SALES + AHEAD + WITHIN_CLOCKS)
    _load(shop)
    before = _in_force(shop), _quarantined(shop)
    shop.config.warehouse.unlink()
    rebuild(shop.config)
    _load(shop, MUCH_LATER)
    assert (_in_force(shop), _quarantined(shop)) == before
    assert shop.warehouse("select landed_at from ledger.load_files where entity = 'transactions'") == [(NOW,)]


def test_a_file_that_was_refused_first_keeps_the_day_it_came(shop: Company) -> None:
    shop.write("sales_1.csv", (SALES + AHEAD).replace("net", "amount"))
    assert _load(shop)["transactions"].status == "refused"
    shop.change(lambda s: s["sources"]["till"]["entities"]["transactions"]["columns"].update(net_amount="amount"))
    shutil.rmtree(shop.config.data / "landing")
    outcome = _load(shop, MUCH_LATER)["transactions"]
    assert (outcome.status, outcome.quarantined) == ("loaded", 1)
    (landed,) = (shop.config.data / "landing" / "till" / "transactions").iterdir()
    assert datetime.fromtimestamp(landed.stat().st_mtime, UTC) == NOW


def test_a_ledger_of_before_counts_a_file_as_come_when_it_was_loaded(shop: Company) -> None:
    shop.write("sales_1.csv", SALES + AHEAD)
    _load(shop)

    with duckdb.connect(str(shop.config.warehouse)) as connection:
        connection.execute("alter table ledger.load_files drop column landed_at")
    for landed in (shop.config.data / "landing").rglob("*.csv"):
        os.utime(landed, (MUCH_LATER.timestamp(), MUCH_LATER.timestamp()))
    reload(shop.config, "till", "transactions", now=MUCH_LATER)
    assert _quarantined(shop) == [(6, "ordered_at", REASON)]


def test_what_is_fetched_from_a_database_is_judged_by_the_day_it_was_fetched(
    shop: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(shop.folder / "till.db")) as connection, connection:
        connection.execute("create table sales (receipt, line, customer, product, net, sold_at)")
        for n, day in enumerate(("2026-01-05", "2026-03-20"), 1):
            connection.execute("insert into sales values (?, 1, 'a', 'bread', 2, ?)", (n, f"{day} 10:00:00"))

    def from_a_database(settings: dict) -> None:
        entity = settings["sources"]["till"]["entities"]["transactions"]
        del entity["files"]
        entity["database"] = {"connection_env": "TILL_DATABASE", "table": "sales"}

    monkeypatch.setenv("TILL_DATABASE", f"sqlite:///{shop.folder / 'till.db'}")
    shop.change(from_a_database)
    assert _load(shop)["transactions"].quarantined == 1
    reload(shop.config, "till", "transactions", now=MUCH_LATER)
    assert _in_force(shop) == [("1|1",)]
    (landed,) = (shop.config.data / "landing" / "till" / "transactions").iterdir()
    assert datetime.fromtimestamp(landed.stat().st_mtime, UTC) == NOW


def test_a_snapshot_keeps_what_it_said_before_of_a_row_that_is_now_in_the_future(shop: Company) -> None:
    shop.change(lambda s: s["sources"]["till"]["entities"]["transactions"].update(delivery="snapshot"))
    _load(shop)
    before = _in_force(shop)
    shop.write("sales_1.csv", SALES.replace("2026-02-02", "2026-04-02"))
    outcome = _load(shop, NOW + timedelta(days=1))["transactions"]
    assert (outcome.quarantined, outcome.deleted) == (1, 0)
    assert {key for (key,) in _in_force(shop)} == {key for (key,) in before}


def test_what_may_be_announced_is_no_row_of_the_future(shop: Company) -> None:
    judged = {e.name for e in ENTITIES.values() if e.event_time and not e.is_announced_ahead}
    assert judged == {"transactions", "orders", "interactions", "rewards", "consents", "erasures"}

    def agree(settings: dict) -> None:
        settings["sources"]["till"]["entities"]["contracts"] = {
            "files": "contracts.csv",
            "key": "contract",
            "columns": {"customer_key": "customer", "started_on": "started"},
        }

    shop.change(agree)
    shop.write("contracts.csv", "contract,customer,started\nk,a,2026-09-01\n")
    outcome = _load(shop)["contracts"]
    assert (outcome.loaded, outcome.quarantined) == (1, 0)


def test_the_latest_day_is_never_after_the_day_on_which_the_last_file_came(shop: Company) -> None:
    shop.write("sales_1.csv", SALES + WITHIN_CLOCKS)

    def latest(now: datetime) -> date:
        with open_run(shop.config, now=now) as run:
            run.load_all()
            return latest_day(run.connection, shop.config)

    assert latest(NOW) == date(2026, 3, 1)
    reload(shop.config, "till", "transactions", now=MUCH_LATER)
    assert latest(MUCH_LATER) == date(2026, 3, 1), "that it was read again does not make it come later"
    shop.write("sales_2.csv", SALES.replace("1,1,a", "7,1,a"))
    assert latest(MUCH_LATER) == date(2026, 3, 2)
