"""What is over by `privacy.retention_days` leaves no byte, comes back with no delivery, and counts as expired."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydantic import ValidationError

from clientela import durable
from clientela.config.company import EXPIRING_ENTITIES, PrivacyConfig
from clientela.config.read import load_config
from clientela.contracts import ENTITIES
from clientela.errors import ConfigError
from clientela.onboard.doctor import examine
from clientela.pipeline.open_run import open_run
from clientela.pipeline.rebuild import rebuild
from clientela.pipeline.reload_batches import reload
from clientela.privacy import retention
from clientela.privacy.expiring import STATEMENTS
from clientela.privacy.search import search
from tests.conftest import NOW, SALES, Company
from tests.unit.privacy.test_forget import open_privacy_shop

NOTE, PHONE = "Ana Gil Torralba asked for a refund", "+34 612 345 678"
#: the calls and customers of the shop are of January and February 2026
LATER = datetime(2027, 2, 15, 3, tzinfo=UTC)
CLOSES = """
    select batch_id from ledger.loads where delivered_rows <>
        loaded_rows + unchanged_rows + quarantined_rows + left_out_rows + coalesce(forgotten_rows, 0) + coalesce(expired_rows, 0)
"""


def load(shop: Company, now: datetime = NOW) -> list[str]:
    """A night without its marts; what it said."""
    with open_run(shop.config, "night", now=now) as run:
        run.load_all()
        run.expire_due()
    return run.notices


def keep_a_year(shop: Company, *names: str) -> None:
    shop.change(lambda settings: settings.update(privacy={"retention_days": dict.fromkeys(names, 365)}))


def hits(shop: Company, *values: str) -> list[str]:
    """The files in which one of the values is found."""
    return [name for name, count in search(shop.config.data, values).items() if count]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shop = open_privacy_shop(tmp_path_factory.mktemp("shop"))
    load(shop)
    return shop.folder


@pytest.fixture
def shop(tmp_path: Path, made: Path) -> Company:
    shutil.copytree(made, tmp_path / "shop")
    return Company(tmp_path / "shop")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "orders",
            "retention_days: 'orders' cannot expire: orders go with the lines that they are of; name transactions.",
        ),
        (
            "consents",
            "'consents' cannot expire: what somebody decided about contact is to be known as long as they are",
        ),
        ("cost_rates", "'cost_rates' cannot expire: a reference table is the company's own"),
        (
            "customers.country",
            "'customers.country' cannot expire: customers.country is not personal. Allowed: transactions,",
        ),
        ("interactions.notes", "did you mean interactions.note?"),
    ],
)
def test_what_cannot_expire_is_refused(shop: Company, name: str, sentence: str) -> None:
    keep_a_year(shop, name)
    with pytest.raises(ConfigError, match=sentence.replace("?", r"\?")):
        load_config(shop.config_path)


def test_each_entity_expires_or_says_why_not() -> None:
    kept = {name for name in ENTITIES if name not in EXPIRING_ENTITIES}
    for name in kept:
        with pytest.raises(ValidationError, match=f"'{name}' cannot expire: "):
            PrivacyConfig(retention_days={name: 365})
    PrivacyConfig(retention_days=dict.fromkeys(EXPIRING_ENTITIES, 365))
    assert set(STATEMENTS) == set(EXPIRING_ENTITIES), "each has its totals"


def test_a_feed_that_describes_its_customers_keeps_its_rows(shop: Company) -> None:
    columns = {"email": "buyer"}
    shop.change(lambda s: s["sources"]["till"]["entities"]["transactions"]["columns"].update(columns))
    keep_a_year(shop, "transactions")
    with pytest.raises(ConfigError, match="transactions cannot expire, since customers are described in sources"):
        load_config(shop.config_path)


def test_an_expired_value_is_in_no_byte_and_comes_back_with_no_delivery(shop: Company) -> None:
    assert hits(shop, NOTE) and hits(shop, PHONE)
    keep_a_year(shop, "interactions.note", "customers.phone")
    assert load(shop, datetime(2027, 1, 31, 3, tzinfo=UTC)) == [], "of January nothing is over in January"
    (sentence,) = load(shop, LATER)
    assert sentence.startswith(
        "Expired by privacy.retention_days, from before 2026-02-01: 3 personal values; 2 kept files"
    )
    assert hits(shop, NOTE) == []
    assert shop.warehouse("select kind, note from raw.interactions") == [("complaint", None)]
    phones = "select distinct record_key, version_at::date::varchar, phone from raw.customers order by all"
    assert shop.warehouse(phones) == [
        ("a-100", "2026-01-01", None), ("a-100", "2026-02-01", PHONE), ("b-200", "2026-01-02", None),
    ]  # fmt: skip
    assert all("customers_2" in name or name == "warehouse.duckdb" for name in hits(shop, PHONE)), (
        "February is not over"
    )
    (proof,) = (shop.config.data / "forgotten").glob("*.json")
    assert proof.name.endswith("-retention.pending.json"), "what is published goes with the next publication"
    calls = (shop.folder / "calls.csv").read_text()
    shop.write("calls.csv", calls + "2,b-200,request,2027-01-11 10:00:00,about an invoice\n")
    assert load(shop, LATER + timedelta(days=1)) == [] and hits(shop, NOTE) == []
    reload(shop.config, "till", now=LATER + timedelta(days=2))
    assert hits(shop, NOTE) == []
    load(shop, LATER + timedelta(days=3))
    shop.config.warehouse.unlink()
    rebuild(shop.config)
    assert hits(shop, NOTE) == [] and shop.warehouse(CLOSES) == []
    assert ("a-100", "2026-01-01", None) in shop.warehouse(phones)
    assert load(shop, LATER + timedelta(days=4)) == []


def test_a_column_that_is_kept_for_the_sake_of_another_brings_no_expired_value(shop: Company) -> None:
    columns = {"outcome": "note"}
    shop.change(lambda s: s["sources"]["till"]["entities"]["interactions"]["columns"].update(columns))
    with duckdb.connect(str(shop.config.warehouse)) as connection:
        connection.execute(
            "insert into ledger.expiries values ('till', 'interactions', 'note', date '2026-02-01', now())"
        )
    calls = (shop.folder / "calls.csv").read_text()
    shop.write(
        "calls.csv", calls + "2,b-200,request,2026-01-11 10:00:00,won\n3,b-200,request,2026-02-11 10:00:00,lost\n"
    )
    with open_run(shop.config, now=NOW + timedelta(days=1)) as run:
        run.load_all()
    assert shop.warehouse("select record_key, note, outcome from raw.interactions where record_key <> '1' order by 1") == [
        ("2", None, "won"), ("3", "lost", "lost"),
    ]  # fmt: skip


def test_an_expired_value_is_in_no_refused_batch_and_no_hash(shop: Company) -> None:
    """The hash of a row would tell the value to whoever tries all."""
    refused = shop.config.data / "quarantine" / "99-till-interactions.parquet"
    refused.parent.mkdir(exist_ok=True)
    with duckdb.connect(str(shop.config.warehouse)) as connection:
        connection.execute(f"copy (select * replace ('a story refused' as note) from raw.interactions) to '{refused}'")
    assert hits(shop, "a story refused") == ["quarantine/99-till-interactions.parquet"]
    hashes = "select content_hash from raw.interactions"
    before = shop.warehouse(hashes)
    keep_a_year(shop, "interactions.note")
    load(shop, LATER)
    assert hits(shop, "a story refused") == []
    assert len(before) == 1 and not set(shop.warehouse(hashes)) & set(before)


def test_broken_off_it_leaves_all_as_it_was_and_the_next_night_does_it(
    shop: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_a_year(shop, "interactions.note")
    switch_in = durable.switch_in

    def cut(aside: Path, path: Path) -> None:
        if path == shop.config.warehouse:
            raise OSError("cut off")
        switch_in(aside, path)

    with monkeypatch.context() as cutting:
        cutting.setattr(durable, "switch_in", cut)
        with pytest.raises(Exception, match="cut off"):
            load(shop, LATER)
    assert shop.warehouse("select note from raw.interactions") == [(NOTE,)]
    assert not (shop.config.data / "forget").exists()
    (sentence,) = load(shop, LATER + timedelta(days=1))
    assert "1 personal value" in sentence and hits(shop, NOTE) == []


def expired_until_february(shop: Company) -> None:
    """The state that expiry leaves: the sales of January gone, whatever they came to."""
    with duckdb.connect(str(shop.config.warehouse)) as connection:
        connection.execute("insert into ledger.expiries values ('till', 'transactions', '', date '2026-02-01', now())")
        connection.execute("delete from raw.transactions where ordered_at < timestamptz '2026-01-31 23:00:00+00'")


@pytest.mark.parametrize("delivery", ["append", "snapshot"])
def test_facts_that_are_over_count_as_expired_and_alarm_nobody(shop: Company, delivery: str) -> None:
    expired_until_february(shop)

    def change(settings: dict[str, Any]) -> None:
        settings["sources"]["till"]["entities"]["transactions"] |= {
            "delivery": delivery, "gate": {"quarantined_share": {"maximum": 0}},
            "control_totals": {"files": "totals.csv", "rows_column": "rows", "sum_column": "sum"},
        }  # fmt: skip

    shop.change(change)
    again = SALES.replace(",a,", ",a-100,").replace(",b,", ",b-200,")
    shop.write("sales_2.csv", again + "8,1,b-200,bread,2.00,2026-02-27 09:00:00\n")
    shop.write("totals.csv", "file,rows,sum\nsales_1.csv,4,16.50\nsales_2.csv,5,18.50\n")
    with open_run(shop.config, now=NOW + timedelta(days=1)) as run:
        run.load_all()
    (outcome,) = [o for o in run.outcomes if o.entity == "transactions" and o.status == "loaded"]
    assert (outcome.delivered, outcome.expired, outcome.loaded, outcome.quarantined) == (5, 3, 1, 0), outcome
    assert outcome.warnings == [] and outcome.deleted == 0
    assert shop.warehouse("select count(*) from raw.transactions where ordered_at < timestamptz '2026-01-31'") == [(0,)]
    (landed,) = (shop.config.data / "landing" / "till" / "transactions").glob("*sales_2*")
    assert landed.name.endswith(".forgotten.parquet")
    assert shop.warehouse(CLOSES) == []


def test_a_line_that_cannot_be_read_is_as_old_as_its_file(shop: Company) -> None:
    with duckdb.connect(str(shop.config.warehouse)) as connection:
        connection.execute("insert into ledger.expiries values ('till', 'transactions', '', date '2026-04-01', now())")
    off = {"gate": {"quarantined_share": {"severity": "off"}}}
    shop.change(lambda settings: settings["sources"]["till"]["entities"]["transactions"].update(off))
    shop.write("sales_2.csv", SALES.replace("\n1,", "\n7,") + "8,1,half a line of somebody\n")
    with open_run(shop.config, now=NOW + timedelta(days=1)) as run:
        run.load_all()
    assert shop.warehouse("select count(*) from ledger.quarantined_rows where source_file = 'sales_2.csv'") == [(1,)]
    assert [
        name for name in hits(shop, "half a line of somebody") if "sales_2" in name or name == "warehouse.duckdb"
    ] == []


def test_a_line_of_an_order_that_goes_on_is_not_over(shop: Company) -> None:
    """Its earlier line is kept in raw: an older one that comes late joins it."""
    expired_until_february(shop)
    shop.write("sales_2.csv", "receipt,line,customer,product,net,sold_at\n3,2,,wine,1.00,2026-01-30 09:00:00\n")
    with open_run(shop.config, now=NOW + timedelta(days=1)) as run:
        run.load_all()
    (outcome,) = [o for o in run.outcomes if o.entity == "transactions" and o.status == "loaded"]
    assert (outcome.loaded, outcome.expired) == (1, 0)


MORE = {
    "campaigns": "id,campaign_name,started_on\nspring,Spring,2026-01-02\nsecond,Second,2026-01-25\n",
    "campaign_contacts": "id,campaign_key,customer_key,contacted_at\n"
    "1,second,a-100,2026-01-26 10:00:00\n2,second,a-100,2026-02-02 10:00:00\n",
    "rewards": "id,customer_key,kind,points,rewarded_at\n1,a-100,earned,10,2026-02-03 10:00:00\n",
    "contracts": "id,customer_key,started_on,ends_on\n1,a-100,2024-01-01,\n",
}
#: what is over, and what is not: of a campaign that goes on, without a day, with an end that a later line tells
AGAIN = {
    "campaign_contacts": "11,spring,a-100,2026-01-03 10:00:00\n12,spring,b-200,\n13,second,b-200,2026-01-27 10:00:00\n",
    "rewards": "11,a-100,earned,10,2026-01-03 10:00:00\n12,a-100,earned,10,2026-02-04 10:00:00\n",
    "contracts": "11,a-100,2024-01-01,\n11,a-100,2024-01-01,2026-01-15\n12,b-200,2024-01-01,\n1,a-100,2024-01-01,2026-01-10\n",
}


@pytest.mark.parametrize(
    ("entity", "delivered", "expired", "kept"),
    [("campaign_contacts", 3, 2, {"1", "2", "13"}), ("rewards", 2, 1, {"1", "12"}), ("contracts", 4, 2, {"1", "12"})],
)
def test_what_is_over_of_other_entities_counts_as_expired(
    shop: Company, entity: str, delivered: int, expired: int, kept: set[str]
) -> None:
    def change(settings: dict[str, Any]) -> None:
        for name, text in MORE.items():
            columns = text.split("\n")[0].split(",")[1:]
            settings["sources"]["till"]["entities"][name] = {
                "files": f"{name}*.csv", "key": "id", "columns": {column: column for column in columns},
                "gate": {"quarantined_share": {"maximum": 0}},
            }  # fmt: skip
            shop.write(f"{name}.csv", text)

    shop.change(change)
    load(shop)
    with duckdb.connect(str(shop.config.warehouse)) as connection:
        connection.execute("insert into ledger.expiries values ('till', ?, '', date '2026-02-01', now())", [entity])
    shop.write(f"{entity}_2.csv", MORE[entity].split("\n")[0] + "\n" + AGAIN[entity])
    with open_run(shop.config, now=NOW + timedelta(days=1)) as run:
        run.load_all()
    (outcome,) = [o for o in run.outcomes if o.entity == entity and o.status == "loaded"]
    assert (outcome.delivered, outcome.expired, outcome.quarantined) == (delivered, expired, 0), outcome
    assert {key for (key,) in shop.warehouse(f"select record_key from raw.{entity}")} == kept
    assert shop.warehouse(CLOSES) == []


def test_the_doctor_says_what_would_expire(shop: Company) -> None:
    shop.change(lambda settings: settings.update(privacy={"retention_days": {"interactions.note": 30}}))
    (finding,) = [finding for finding in examine(shop.config, "till") if finding.entity == "interactions"]
    month = (datetime.now(shop.config.zone).date() - timedelta(days=30)).replace(day=1)
    assert f"expires: note from before {month} would go in a night, by privacy.retention_days" in finding.notes


def test_only_what_has_come_to_be_over_is_due(shop: Company) -> None:
    keep_a_year(shop, "interactions.note", "transactions")
    with duckdb.connect(str(shop.config.warehouse)) as connection:
        connection.execute("set timezone = 'UTC'")
        day = LATER.date()
        assert retention.due(connection, shop.config, day) == [
            retention.Due("till", "interactions", "note", datetime(2026, 2, 1).date()),
            retention.Due("till", "transactions", "", datetime(2026, 2, 1).date()),
        ]
        connection.execute(
            "insert into ledger.expiries values ('till', 'interactions', 'note', date '2026-02-01', now()), "
            "('till', 'transactions', '', date '2026-02-01', now())"
        )
        assert retention.due(connection, shop.config, day) == []
        assert [item.column for item in retention.due(connection, shop.config, day + timedelta(days=30))] == [
            "note",
            "",
        ]
        assert retention.due(connection, shop.config, day + timedelta(days=30), as_of=datetime(2026, 1, 20).date()) == [
            retention.Due("till", "interactions", "note", datetime(2026, 3, 1).date())
        ]
