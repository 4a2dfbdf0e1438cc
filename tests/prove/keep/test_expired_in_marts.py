"""Whole nights under `privacy.retention_days`: what is over is in no byte, and the ledger says to the cent what it said."""

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from clientela.config.company import EXPIRING_ENTITIES
from clientela.pipeline.nightly import forget
from clientela.pipeline.past_day import run_as_of
from clientela.pipeline.rebuild import rebuild
from clientela.privacy.search import search
from tests.conftest import Company, open_shop

FIRST = datetime(2026, 3, 1, 3, tzinfo=UTC)
#: a year later all of January 2025 is over, February is not
LATER = datetime(2027, 2, 5, 3, tzinfo=UTC)
PEOPLE = """customer,name,email,phone,born,changed
a,Ana Gil Torralba,ana.gil@example.com,+34 612 345 678,1971-02-03,2025-12-01 08:00:00
b,Blas Ruiz,blas@example.com,+34 699 111 222,1985-04-05,2027-01-31 08:00:00
"""
#: two orders of January 2026, one of them returned in February; customer c is named by orders alone
SALES = """receipt,line,customer,product,gross,net,cost,sold_at,slip
1,1,a,bread,2.50,2.00,1.00,2026-01-05 10:00:00,slip-one
1,2,a,wine,8.50,8.50,,2026-01-05 10:00:00,slip-one
2,1,c,bread,2.00,2.00,0.90,2026-01-20 18:30:00,slip-two
3,1,,bread,4.00,4.00,2.00,2026-01-22 09:00:00,slip-three
4,1,b,wine,9.00,9.00,4.00,2026-01-23 09:00:00,slip-four
4,2,b,wine,-9.00,-9.00,-4.00,2026-02-12 09:00:00,slip-four
5,1,a,wine,17.00,17.00,8.00,2026-02-20 12:00:00,slip-five
"""
CALLS = """id,customer,kind,at,note
1,a,complaint,2026-01-10 10:00:00,the long story of the broken bottle
2,b,request,2026-02-10 10:00:00,the short story of the invoice
"""
#: the first campaign is over with January; of the second a contact was in February, so both of its contacts stay
CAMPAIGNS = """id,name,from,fixed,unit
spring,Spring,2026-01-02,10.00,0.35
second,Second,2026-01-25,5.00,0.20
silent,Silent,2026-01-02,,
"""
CONTACTS = """id,campaign,customer,role,at
contact-one,spring,a,contacted,2026-01-03 10:00:00
contact-two,spring,b,contacted,
contact-three,spring,c,contacted,2026-01-04 10:00:00
contact-four,spring,d,held_out,2026-01-04 10:00:00
contact-five,silent,a,contacted,2026-01-05 10:00:00
kept-one,second,a,contacted,2026-01-26 10:00:00
kept-two,second,b,contacted,2026-02-02 10:00:00
"""
REWARDS = """id,customer,kind,points,worth,at,until
reward-one,a,earned,100,2.00,2026-01-05 10:00:00,2027-06-30
reward-two,a,earned,50,,2026-01-06 10:00:00,2027-03-31
reward-three,a,redeemed,30,0.60,2026-01-20 10:00:00,
reward-four,b,gift,,4.00,2026-01-21 10:00:00,
reward-five,b,gift,,,2026-01-22 10:00:00,
kept-three,a,redeemed,10,0.20,2026-02-03 10:00:00,
"""
#: the second one's first line does not know yet that it will end
CONTRACTS = """id,customer,from,until,amount,changed
contract-one,a,2024-01-01,2025-12-31,20.00,2024-01-01 08:00:00
contract-two,b,2024-05-01,,30.00,2024-05-01 08:00:00
contract-two,b,2024-05-01,2026-01-15,30.00,2025-11-01 08:00:00
kept-four,b,2024-06-01,,40.00,2024-06-01 08:00:00
"""
RATES = "channel,kind,cost_per_contact,cost_per_minute,valid_from,is_assumed\n,,2.50,,2020-01-01,false\n"
GONE = (
    "slip-one", "slip-two", "slip-three", "the long story", "1971-02-03", "contact-one", "contact-two", "contact-three",
    "contact-four", "contact-five", "reward-one", "reward-two", "reward-three", "reward-four", "reward-five", "contract-one",
    "contract-two",
)  # fmt: skip
KEPT = ("slip-four", "slip-five", "kept-one", "kept-two", "kept-three", "kept-four")
LEDGER = """
    select records.customer_key, month, ledger.source, component, sum(amount)::varchar
    from value.value_ledger as ledger
    left join (select customer_id, min(source || customer_record_id) as customer_key from customer.customer_records group by 1)
        as records using (customer_id)
    where ledger.source <> 'none' group by all order by all
"""
VALUES = (
    "select customer_id, net_revenue, contribution, cost_to_serve, realised_value from value.customer_value "
    "where realised_value <> 0 order by 1"
)
MONTHS = """
    select customer_id, month, net_revenue, gross_revenue, discounts, returns, contribution from value.customer_months
    where net_revenue <> 0 or gross_revenue <> 0 order by 1, 2
"""
#: what a customer may still use, and what a campaign cost
BALANCES = "select * exclude (last_rewarded_on) from relationship.reward_balances order by all"
COSTS = "select campaign_key, cost_amount from relationship.campaigns order by all"
SPRING = "select sum(amount) from value.value_ledger where campaign_key = 'spring'"
CLOSES = """
    select * from operations.loads where status = 'loaded' and delivered_rows <>
        loaded_rows + unchanged_rows + quarantined_rows + left_out_rows + forgotten_rows + expired_rows
"""
EXPIRED = "select entity, sum(expired_rows) from operations.loads where expired_rows > 0 group by 1 order by 1"
TOTALS = "select component, sum(amount) from value.value_ledger group by 1 order by 1"
LAST = """
    select expired_rows, unchanged_rows, loaded_rows from operations.loads
    where entity = 'transactions' order by batch_id desc limit 1
"""


def open_old_shop(folder: Path) -> Company:
    shop = open_shop(folder)

    def change(settings: dict[str, Any]) -> None:
        settings["reference_folder"] = "reference"
        settings["publish"] = {"personal_data": "full"}
        entities = settings["sources"]["till"]["entities"]
        entities["transactions"]["columns"] |= {
            "gross_amount": "gross", "cost_amount": "cost", "store_key": "slip",
        }  # fmt: skip
        entities["customers"]["columns"] |= {"phone": "phone", "birth_date": "born"}
        entities["interactions"] = {
            "files": "calls*.csv", "key": "id",
            "columns": {"customer_key": "customer", "kind": "kind", "opened_at": "at", "note": "note"},
        }  # fmt: skip

        entities["campaigns"] = {
            "files": "campaigns.csv", "key": "id",
            "columns": {"campaign_name": "name", "started_on": "from", "fixed_cost": "fixed", "unit_cost": "unit"},
        }  # fmt: skip
        entities["campaign_contacts"] = {
            "files": "contacts*.csv", "key": "id",
            "columns": {"campaign_key": "campaign", "customer_key": "customer", "role": "role", "contacted_at": "at"},
        }  # fmt: skip
        entities["rewards"] = {
            "files": "rewards*.csv", "key": "id",
            "columns": {
                "customer_key": "customer", "kind": "kind", "points": "points", "value_amount": "worth", "rewarded_at": "at",
                "expires_on": "until",
            },
        }  # fmt: skip
        entities["contracts"] = {
            "files": "contracts*.csv", "key": "id",
            "columns": {
                "customer_key": "customer", "started_on": "from", "ends_on": "until", "recurring_amount": "amount",
                "updated_at": "changed",
            },
        }  # fmt: skip

    shop.change(change)
    for name, text in (
        ("campaigns", CAMPAIGNS),
        ("contacts", CONTACTS),
        ("rewards", REWARDS),
        ("contracts", CONTRACTS),
    ):
        shop.write(f"{name}.csv", text)
    shop.write("customers.csv", PEOPLE)
    shop.write("sales_1.csv", SALES)
    shop.write("calls.csv", CALLS)
    shop.write("reference/cost_rates.csv", RATES)
    return shop


def keep_a_year(settings: dict[str, Any]) -> None:
    names = (*EXPIRING_ENTITIES, "customers.birth_date")
    settings["privacy"] = {"retention_days": dict.fromkeys(names, 365)}


def hits(shop: Company, values: tuple[str, ...] = GONE) -> dict[str, int]:
    return {name: count for name, count in search(shop.config.data, values).items() if count}


def said(shop: Company) -> list[Any]:
    return [shop.published(query) for query in (LEDGER, VALUES, MONTHS, BALANCES, COSTS)]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    """The folder of a shop that keeps everything, with a past day, and what its marts say."""
    shop = open_old_shop(tmp_path_factory.mktemp("before"))
    assert shop.night(FIRST).status == "published"
    assert run_as_of(shop.config, date(2026, 1, 31)).exit_code in (0, 3)
    assert hits(shop), "it was there"
    return shop.folder, said(shop)


@pytest.fixture(scope="module")
def expired(before: tuple[Path, list[Any]], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of the shop after the night that let January go, and what that night said."""
    folder = tmp_path_factory.mktemp("expired")
    shutil.copytree(before[0], folder, dirs_exist_ok=True)
    shop = Company(folder)
    shop.change(keep_a_year)
    report = shop.night(LATER)
    assert report.status == "published", report.message
    return folder, report.notices[0]


@pytest.fixture
def shop(expired: tuple[Path, str], tmp_path: Path) -> Company:
    """A copy of it, of this test's own."""
    shutil.copytree(expired[0], tmp_path, dirs_exist_ok=True)
    return Company(tmp_path)


@pytest.mark.prove
def test_expired_facts_leave_totals_to_the_cent_and_no_byte(
    before: tuple[Path, list[Any]], expired: tuple[Path, str]
) -> None:
    folder, notice = expired
    shop = Company(folder)
    assert "Expired by privacy.retention_days, from before 2026-02-01: 18 facts and 1 personal value;" in notice
    assert hits(shop) == {}
    assert set(hits(shop, KEPT)), "an order whose return is younger stays whole"
    assert said(shop) == before[1]
    assert shop.published("from quality.value_reconciliation where not is_within_tolerance or difference <> 0") == []
    assert shop.published(CLOSES) == []
    assert shop.published(EXPIRED) == [
        ("campaign_contacts", 5), ("contracts", 3), ("interactions", 1), ("rewards", 5), ("transactions", 4),
    ]  # fmt: skip
    (proof,) = (folder / "data" / "forgotten").glob("*-retention.json")
    assert json.loads(proof.read_text(encoding="utf-8"))["rows"] == 18


@pytest.mark.prove
def test_delivered_again_it_counts_as_expired_and_a_rebuild_replays_it(
    before: tuple[Path, list[Any]], shop: Company
) -> None:
    shop.write("sales_2.csv", SALES + "6,1,a,wine,1.00,1.00,0.50,2027-02-04 10:00:00,slip-six\n")
    shop.write("calls_2.csv", CALLS + "3,a,request,2027-02-03 10:00:00,another story\n")
    shop.write("contacts_2.csv", CONTACTS + "kept-six,second,a,contacted,2026-01-27 10:00:00\n")
    shop.write("rewards_2.csv", REWARDS + "kept-seven,b,earned,5,,2027-02-03 10:00:00,\n")
    shop.write("contracts_2.csv", CONTRACTS + "kept-eight,a,2027-01-01,,9.00,2027-01-01 08:00:00\n")
    report = shop.night(LATER + timedelta(days=1))
    assert report.status == "published", report.message
    assert [outcome["warnings"] for outcome in report.outcomes if outcome["warnings"]] == []
    assert hits(shop) == {}
    assert shop.published(CLOSES) == [] and shop.published(LAST) == [(4, 3, 1)]
    again = shop.published(LEDGER)
    assert shop.published("from quality.value_reconciliation where not is_within_tolerance or difference <> 0") == []
    without_second = [row for row in again if row[1] < date(2027, 1, 1) and row[3] != "campaigns"]
    assert without_second == [row for row in before[1][0] if row[3] != "campaigns"]
    assert shop.published(SPRING) == [(Decimal("-11.05"),)] and shop.published(COSTS)[-1] == (
        "spring",
        Decimal("11.05"),
    )
    assert sorted(shop.warehouse("select distinct record_key from raw.contracts")) == [("kept-eight",), ("kept-four",)]
    shop.config.warehouse.unlink()
    rebuild(shop.config)
    assert hits(shop) == {}
    # a full refresh says what the increments said
    assert shop.night(LATER + timedelta(days=2)).status == "published"
    assert shop.published(LEDGER) == again and shop.published(CLOSES) == []
    assert hits(shop) == {}


@pytest.mark.prove
def test_a_past_day_brings_nothing_back_and_the_forgotten_leave_the_totals(
    before: tuple[Path, list[Any]], shop: Company
) -> None:
    assert run_as_of(shop.config, date(2026, 2, 28)).exit_code in (0, 3)
    assert hits(shop) == {}
    past = shop.config.published / "as_of" / "2026-02-28" / "marts.duckdb"
    with duckdb.connect(str(past), read_only=True) as marts:
        assert marts.execute(LEDGER).fetchall() == before[1][0]
    ((customer,),) = shop.published("select customer_id from customer.customer_records where customer_key = 'a'")
    ((record,),) = shop.warehouse("select distinct record_id from raw.customers where record_key = 'a'")
    total = shop.published(TOTALS)
    assert forget(shop.config, customer, now=LATER + timedelta(days=3)).status == "published"
    assert shop.published(TOTALS) == total
    assert hits(shop, ("Ana Gil Torralba", "ana.gil@example.com")) == {}
    assert shop.warehouse(f"from ledger.expired_amounts where customer_record_id = {record}") == []
