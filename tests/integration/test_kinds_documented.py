"""Each snippet of README's table of sources and of docs/sources.md loads the two customers that it shows, as it stands there.

Settings within the page's sentences are only checked against the configuration.
"""

import gzip
import re
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter
import yaml
from pydantic import ValidationError

from clientela.config.company import Config, InboxConfig
from clientela.config.read import load_config
from clientela.config.sources import EntityConfig
from clientela.extract.feed import Feed
from clientela.extract.feeds import feeds_of
from clientela.load.context import LoadContext
from clientela.load.loader import load_feed

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "readers"))
from reading import prepared

from tests.unit.load.loading import Loading

PAGE = (Path(__file__).parents[2] / "docs" / "sources.md").read_text(encoding="utf-8")
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
#: the table of sources in README: kind → its part of an entity
SNIPPETS = dict(re.findall(r"^\| ([^|]+?) \| `(\{.*\})` \|$", README, re.MULTILINE))
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
#: settings within sentences; those after the recipe for dlt are dlt's
INLINE = sorted(set(re.findall(r"`(\w+: [^`\n]+)`", PAGE.partition("## REST systems")[0])))
PEOPLE = [
    (17, "Ann Lee", "ann@example.com", 1234.5, "2026-01-05 10:00:00"),
    (18, "Íñigo Ruiz", None, 0.5, "2026-01-06"),
]


def _sample(folder: Path, section: str, encoding: str = "utf-8") -> None:
    name, text = re.findall(r"```text (\S+)\n(.*?)```", section, re.DOTALL)[0]
    (folder / name).write_bytes(text.encode(encoding))


def _excel(folder: Path, section: str) -> None:
    with xlsxwriter.Workbook(folder / "customers.xlsx") as workbook:
        workbook.add_worksheet("Notas")
        sheet = workbook.add_worksheet("Clientes")
        sheet.write_row(0, 0, ["Customers of the Madrid shop"])
        sheet.write_row(1, 0, ["id", "name", "email", "cost", "since"])
        for row, (person, day) in enumerate(zip(PEOPLE, (46027, 46028), strict=True), 2):
            sheet.write_row(row, 0, [*person[:4], day])


def _parquet(folder: Path, section: str) -> None:
    (folder / "lake" / "customers").mkdir(parents=True)
    duckdb.execute(
        "copy (select * from (values (17, 'Ann Lee', 'ann@example.com', 1234.5), (18, 'Íñigo Ruiz', null, 0.5)) "
        "as people (id, name, email, cost)) to ? (format parquet)",
        [str(folder / "lake" / "customers" / "1.parquet")],
    )


def _sqlite(folder: Path, section: str) -> None:
    with closing(sqlite3.connect(folder / "crm.db")) as connection, connection:
        connection.execute("create table customers (id integer, name text, email text, cost real, changed text)")
        connection.executemany("insert into customers values (?, ?, ?, ?, ?)", PEOPLE)


def _dlt(folder: Path, section: str) -> None:
    """What dlt 1.31 wrote for the recipe when it was tried."""
    landed = folder / "in" / "dlt" / "shop" / "customers"
    landed.mkdir(parents=True)
    records = (
        '{"id":17,"name":"Ann Lee","contact":{"email":"ann@example.com"},"cost":1234.5,"updated_at":"2026-01-05T10:00:00+00:00",'
        '"_dlt_load_id":"1795343278.6595836","_dlt_id":"7xLEJQO6uc725w"}\n'
        '{"id":18,"name":"Íñigo Ruiz","contact":{"email":null},"cost":0.5,"updated_at":"2026-01-06T10:00:00+00:00",'
        '"_dlt_load_id":"1795343278.6595836","_dlt_id":"qs3075d/Rw9ouA"}\n'
    )
    (landed / "1795343278.6595836.03b45e5f7f.jsonl.gz").write_bytes(gzip.compress(records.encode()))


DELIVERED: dict[str, Callable[[Path, str], None]] = {
    "CSV": lambda folder, section: _sample(folder, section, "cp1252"),
    "Fixed width": _sample,
    "JSON lines": _sample,
    "JSON": _sample,
    "Excel": _excel,
    "Parquet": _parquet,
    "Databases": _sqlite,
    "REST systems, by dlt": _dlt,
}


def test_every_section_is_tried() -> None:
    rows = ["Repeated rows", "Rows left out", "Several feeds of one entity", "Orders and their lines"]
    rows += ["Customers without an id", "What becomes of each row"]
    assert list(SECTIONS) == ["The inbox", "Delivery", *rows, "Days, times and amounts", *DELIVERED]
    assert list(DELIVERED) == list(SNIPPETS)


def test_the_settings_of_the_inbox_are_those_that_hold_without_any_but_for_whom_to_trust() -> None:
    settings = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", SECTIONS["The inbox"], re.DOTALL)[0])["inbox"]
    assert InboxConfig(**settings) == InboxConfig(trusted_owners=["ftp", 1005])


@pytest.mark.parametrize("kind", DELIVERED)
def test_the_snippet_loads_the_customers_that_it_shows(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", SECTIONS[kind], re.DOTALL)[0])
    (source,) = settings["sources"].values()
    entity = source["entities"]["customers"]
    shown = {"key": entity["key"], "columns": entity["columns"], **yaml.safe_load(SNIPPETS[kind])}
    assert shown == entity, "README says the same as the page"
    source["entities"]["customers"] = shown
    feed = _feed(tmp_path, settings)
    monkeypatch.setenv("CRM_DATABASE", "sqlite:///crm.db")
    DELIVERED[kind](tmp_path, SECTIONS[kind])
    with prepared(tmp_path / "w.duckdb") as warehouse:
        (outcome,) = load_feed(LoadContext(warehouse, feed, "run", datetime(2026, 3, 1, tzinfo=UTC)))
        assert (outcome.status, outcome.loaded, outcome.quarantined) == ("loaded", 2, 0), outcome.reason
        people = warehouse.execute(
            "select ltrim(record_key, '0'), full_name, email, acquisition_cost, acquired_on from raw.customers order by 1"
        ).fetchall()
        days = [date(2026, 1, 5), date(2026, 1, 6)] if kind == "Excel" else [None, None]
        assert people == [
            ("17", "Ann Lee", "ann@example.com", Decimal("1234.5"), days[0]),
            ("18", "Íñigo Ruiz", None, Decimal("0.5"), days[1]),
        ]
        (again,) = load_feed(LoadContext(warehouse, feed, "run", datetime(2026, 3, 2, tzinfo=UTC)))
        assert again.status == "nothing new"


def test_a_backlog_of_snapshots_needs_the_dates_that_the_page_gives_them(tmp_path: Path) -> None:
    backlog = {"20260131": "sku,name\na,Bread\nb,Wine\n", "20260228": "sku,name\na,Bread\n"}
    left = {}
    for is_dated in (True, False):
        folder = tmp_path / str(is_dated)
        folder.mkdir()
        settings = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", SECTIONS["Delivery"], re.DOTALL)[0])
        if not is_dated:
            del settings["sources"]["erp"]["entities"]["products"]["version_by"]
        for day, text in backlog.items():
            (folder / f"products_{day}.csv").write_text(text, encoding="utf-8")
        with prepared(folder / "w.duckdb") as warehouse:
            outcomes = load_feed(
                LoadContext(warehouse, _feed(folder, settings), "run", datetime(2026, 3, 1, tzinfo=UTC))
            )
            left[is_dated] = [(outcome.status, outcome.deleted) for outcome in outcomes]
    assert left == {True: [("loaded", 0), ("loaded", 1)], False: [("loaded", 0)]}


def test_the_rows_that_the_page_leaves_out_are_left_out(tmp_path: Path) -> None:
    (snippet,) = re.findall(r"```yaml\n(.*?)```", SECTIONS["Rows left out"], re.DOTALL)
    company = Loading(tmp_path, yaml.safe_load(snippet)["sources"])
    header = "id,customer,amount,created,status,test_mode\n"
    rows = "1,a,5,2026-01-05,succeeded,\n2,a,7,2026-01-05,failed,\n3,a,9,2026-01-05,succeeded,true\n"
    company.write("charges_1.csv", header + rows)
    outcome = company.load()["transactions"]
    assert (outcome.loaded, outcome.left_out) == (1, 2)


def test_the_feeds_that_the_page_shows_are_two_of_one_entity(tmp_path: Path) -> None:
    (snippet,) = re.findall(r"```yaml\n(.*?)```", SECTIONS["Several feeds of one entity"], re.DOTALL)
    company = Loading(tmp_path, yaml.safe_load(snippet)["sources"])
    company.write("sales_1.csv", "order,line,customer,net,sold_at\n17,1,a,20,2026-01-05\n")
    company.write("refunds_1.csv", "refund,order,amount,refunded_at\n17,17,8,2026-01-07\n")
    company.load()
    assert company.current("transactions", "order_key, return_of_order_key, net_amount, is_return") == [
        ("17", "17", -8, True), ("17", None, 20, False)
    ]  # fmt: skip


def test_amounts_and_starts_are_what_the_page_makes_of_them(tmp_path: Path) -> None:
    (snippet,) = re.findall(r"```yaml\n(.*?)```", SECTIONS["Days, times and amounts"], re.DOTALL)
    delivered = {
        "till": ("sales_1.csv", "receipt,line,sold_at,pieces,price,discount_percent\n1,1,2026-02-01,12,1400,15\n"),
        "telco": ("customers_1.csv", "customer,tenure_months\n7,14\n"),
    }
    wanted = {
        "till": ("transactions", "gross_amount, discount_amount, net_amount", (Decimal(168), Decimal("25.2"), Decimal("142.8"))),
        "telco": ("contracts", "started_on", (date(2025, 4, 1),)),
    }  # fmt: skip
    for name, (file, text) in delivered.items():
        folder = tmp_path / name
        folder.mkdir()
        company = Loading(folder, {name: yaml.safe_load(snippet)["sources"][name]})
        company.write(file, text)
        entity, columns, expected = wanted[name]
        outcome = company.load()[entity]
        assert (outcome.status, outcome.loaded) == ("loaded", 1), outcome.reason
        assert company.current(entity, columns) == [expected]


def test_headers_and_lines_of_the_page_meet(tmp_path: Path) -> None:
    (snippet,) = re.findall(r"```yaml\n(.*?)```", SECTIONS["Orders and their lines"], re.DOTALL)
    company = Loading(tmp_path, yaml.safe_load(snippet)["sources"])
    headers = "id,customer,placed,channel,discount,shipping,payment_fee,status,changed\n"
    company.write("orders_1.csv", headers + "7,a,2026-01-05,web,1.00,4.90,0.30,paid,2026-01-05\n")
    company.write("lines_1.csv", "order,line,sku,qty,net\n7,1,p,1,20\n")
    company.load()
    assert company.rows(
        "select fee_amount, net_amount from raw.orders join raw.transactions on order_id = orders.record_id"
    ) == [(Decimal("-0.3"), 20)]


def test_a_guest_of_the_page_is_a_customer(tmp_path: Path) -> None:
    (snippet,) = re.findall(r"```yaml\n(.*?)```", SECTIONS["Customers without an id"], re.DOTALL)
    company = Loading(tmp_path, yaml.safe_load(snippet)["sources"])
    header = "Name,Customer ID,Lineitem name,Lineitem quantity,Lineitem price,Created at,Email,Phone,Billing Name\n"
    rows = "#1,,Cap,1,5,2026-01-05,ann@example.com,,Ann Lee\n#1,,Cap,1,5,2026-01-05,ann@example.com,,\n"
    company.write("export_1.csv", header + rows + "#2,17,Tie,2,9,2026-01-06,ben@example.com,,Ben\n")
    company.load()
    assert company.rows("select count(*), sum(net_amount) from raw.transactions") == [(3, 28)]
    assert company.current("customers", "full_name, email") == [
        ("Ann Lee", "ann@example.com"),
        ("Ben", "ben@example.com"),
    ]


@pytest.mark.parametrize("text", INLINE)
def test_a_setting_within_a_sentence_is_one_of_an_entity_of_its_text_files_or_columns(text: str) -> None:
    stated = yaml.safe_load(text)
    assert any(_is_allowed(settings) for settings in (stated, {"csv": stated}, {"columns": stated})), stated


def _is_allowed(settings: dict[str, Any]) -> bool:
    """Whether an entity with them is one that the configuration accepts."""
    entity = {"files": "CUSTOMERS.DAT", "fixed": {"columns": {"id": [1, 5]}}, "key": "id"}
    try:
        EntityConfig.model_validate({**entity, **settings})
    except ValidationError:
        return False
    return True


def _feed(folder: Path, sources: dict[str, Any]) -> Feed:
    settings = {"company": "Acme", "currency": "EUR", "time_zone": "Europe/Madrid", **sources}
    (folder / "clientela.yml").write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    config: Config = load_config(folder / "clientela.yml")
    (folder / "data").mkdir()
    (feed,) = feeds_of(config)
    return feed
