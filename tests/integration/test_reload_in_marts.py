"""After a reload or an unload the next night builds marts as if it had always been so, and the past keeps what it knew."""

from datetime import UTC, date, datetime
from typing import Any

from clientela.pipeline.past_day import run_as_of
from clientela.pipeline.unload_and_reload import reapply, reload, unload
from tests.conftest import NOW, Company, marts

OVERLAPPING = """receipt,line,customer,product,net,sold_at
2,1,b,bread,2.00,2026-01-20 18:30:00
4,1,a,wine,17.00,2026-02-10 12:00:00
"""
LATER = datetime(2026, 3, 2, 3, tzinfo=UTC)


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


def _doubled(settings: dict[str, Any]) -> None:
    settings["sources"]["till"]["entities"]["transactions"]["columns"]["net_amount"] = {"sql": "number(net) * 2"}


def test_marts_after_a_reload_are_those_of_a_company_that_always_read_its_files_so(
    shop: Company, tmp_path_factory: Any
) -> None:
    shop.change(lambda s: s.update(publish={"personal_data": "full"}))
    shop.write("sales_2.csv", OVERLAPPING)
    shop.night()
    first = marts(shop)
    shop.change(_doubled)
    reload(shop.config, "till", "transactions", now=LATER)
    report = shop.night(LATER)
    assert report.status == "published", report.message
    always = Company(tmp_path_factory.mktemp("always"))
    for name in ("clientela.yml", "sales_1.csv", "sales_2.csv", "customers.csv"):
        always.write(name, (shop.folder / name).read_bytes())
    assert always.night(LATER).status == "published"
    assert marts(shop) == marts(always)
    assert run_as_of(shop.config, datetime(2026, 2, 10).date(), known_at=NOW).exit_code == 0
    assert marts(shop, "as_of/2026-02-10/marts.duckdb") == first, "what was known before the reload stays known"
    assert shop.night(LATER).status == "nothing new"


OF_MARCH = """receipt,line,customer,product,net,sold_at
6,1,a,wine,8.50,2026-03-10 12:00:00
7,1,b,bread,2.00,2026-03-12 12:00:00
"""


def test_a_day_whose_batch_is_taken_back_gives_way_and_comes_again_with_it(running: Company) -> None:
    def frozen() -> list[tuple[Any, ...]]:
        return running.published("select distinct as_of_on from quality.value_predictions order by 1")

    def published_as_of() -> tuple[Any, ...]:
        return running.published("select as_of_on from operations.publication")[0]

    before, frozen_before = marts(running), frozen()
    april = datetime(2026, 4, 1, 3, tzinfo=UTC)
    running.write("sales_2.csv", OF_MARCH)
    assert running.night(april).exit_code == 0
    with_march, frozen_with_march = marts(running), frozen()
    assert (published_as_of(), len(frozen_with_march)) == ((date(2026, 3, 12),), len(frozen_before) + 1)

    ((batch_id,),) = running.warehouse("select max(batch_id) from ledger.loads")
    unload(running.config, batch_id, now=april)
    report = running.night(april)
    assert (report.status, report.exit_code) == ("published", 0), report.message
    assert report.message == (
        "No loaded transaction reaches 2026-03-12 any more, the day of the file published before: "
        "published as of 2026-02-02."
    )
    assert running.warehouse("select message from ledger.runs order by rowid desc limit 1") == [(report.message,)]
    assert (published_as_of(), frozen()) == ((date(2026, 2, 2),), frozen_before)
    assert marts(running) == before
    assert running.night(april).status == "nothing new"

    reapply(running.config, batch_id, now=april)
    report = running.night(april)
    assert (report.status, report.exit_code, report.message) == ("published", 0, "")
    assert (published_as_of(), frozen()) == ((date(2026, 3, 12),), frozen_with_march)
    assert marts(running) == with_march
