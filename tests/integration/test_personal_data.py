"""What of personal data leaves the warehouse: nothing in clear, and nothing that a dictionary of what was delivered undoes."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from clientela.extract.feeds import feeds_of
from clientela.identity.normalise import clean_email, clean_phone
from clientela.load.outcome import Outcome
from clientela.masking import KeyedHash, masked, read_secret
from clientela.pipeline.open_run import open_run
from clientela.warehouse.memory import BY_RECORD
from tests.conftest import MORE_SALES, NOW, SALES, Company

SECRET = "5a" * 32
PEOPLE = range(40)
EMAILS = [f"Maria.Lopez{n}@correo{n}.example" for n in PEOPLE]
PHONES = [f"6{n:02}345{n:03}" for n in PEOPLE]
CARDS = [f"TJ{n:02}88{n:04}" for n in PEOPLE]
DAYS = [f"2026-01-{1 + n % 28:02}" for n in PEOPLE]

#: e-mails, telephones and loyalty numbers, each once as the key and once as a plain column
CONFIG: dict[str, Any] = {
    "company": "Keys",
    "currency": "EUR",
    "time_zone": "Europe/Madrid",
    "data_folder": "data",
    "reference_folder": "reference",
    "limits": {"memory": "1GB", "threads": 2},
    "sources": {
        "crm": {
            "entities": {
                "customers": {
                    "files": "crm*.csv", "key": "correo", "columns": {"email": {"sql": "lower(correo)"}, "phone": "movil"},
                },
                "consents": {
                    "files": "consents.csv", "key": ["correo", "fin"],
                    "columns": {"customer_key": "correo", "purpose": "fin", "status": "estado", "decided_at": "dia"},
                },
            }
        },
        "club": {
            "entities": {
                "customers": {
                    "files": "club.csv", "key": "tarjeta", "columns": {"loyalty_id": "tarjeta", "email": "correo"},
                },
                "rewards": {
                    "files": "points.csv", "key": ["tarjeta", "dia"],
                    "columns": {"customer_key": "tarjeta", "kind": {"value": "earned"}, "points": "puntos", "rewarded_at": "dia"},
                },
            }
        },
        "till": {
            "ids_from": {"customers": "club"},
            "entities": {
                "transactions": {
                    "files": "till.csv", "key": ["tarjeta", "ticket"],
                    "columns": {
                        "order_key": ["tarjeta", "ticket"], "customer_key": "tarjeta", "net_amount": "importe",
                        "ordered_at": "dia", "return_of_order_key": "devuelto",
                    },
                }
            },
        },
        "calls": {
            "entities": {
                "customers": {
                    "files": "callers.csv", "key": "telefono", "columns": {"phone": "telefono", "loyalty_id": "tarjeta"},
                },
                "interactions": {
                    "files": "calls*.csv", "key": ["telefono", "dia"],
                    "columns": {
                        "customer_key": "telefono", "kind": {"value": "request"}, "channel": "canal", "opened_at": "dia",
                        "order_key": "pedido",
                    },
                },
            }
        },
        "web": {
            "personal_keys": True,
            "entities": {
                "transactions": {
                    "files": "web.csv", "key": "pedido", "required": False,
                    "columns": {"order_key": "pedido", "customer_key": "correo", "net_amount": "importe", "ordered_at": "dia"},
                }
            },
        },
        "old": {
            "entities": {
                "customers": {
                    "files": "old.csv", "key": "id", "columns": {"email": "correo", "phone": "movil", "loyalty_id": "tarjeta"},
                }
            }
        },
    },
}  # fmt: skip


def _csv(header: str, *columns: list[str]) -> str:
    return "\n".join([header, *(",".join(row) for row in zip(*columns, strict=True))]) + "\n"


def _open_company(folder: Path) -> Company:
    company = Company(folder)
    company.config_path.write_text(yaml.safe_dump(CONFIG, sort_keys=False), encoding="utf-8")
    amounts = ["12.50"] * len(PEOPLE)
    for name, text in {
        "data/secret": SECRET,
        # the same key twice, with other content
        "crm.csv": _csv("correo,movil", EMAILS, PHONES) + f"{EMAILS[0]},{PHONES[1]}\n",
        "consents.csv": _csv("correo,fin,estado,dia", EMAILS, ["marketing"] * 40, ["granted"] * 40, DAYS),
        "club.csv": _csv("tarjeta,correo", CARDS, EMAILS),
        "points.csv": _csv("tarjeta,dia,puntos", CARDS, DAYS, ["5"] * 40),
        # an e-mail in the amount's column, a telephone in the day's
        "till.csv": _csv(
            "tarjeta,ticket,importe,dia,devuelto", CARDS, [f"T{n}" for n in PEOPLE], amounts, DAYS, [""] * 40
        )
        + f"{CARDS[0]},T90,{EMAILS[7]},2026-01-09,\n{CARDS[1]},T91,1.00,{PHONES[7]},\n",
        "callers.csv": _csv("telefono,tarjeta", PHONES, CARDS),
        "calls.csv": _csv("telefono,dia,canal,pedido", PHONES, DAYS, ["phone"] * 40, ["P1"] * 40),
        "web.csv": _csv("pedido,correo,importe,dia", [f"W{n}" for n in PEOPLE], EMAILS, amounts, DAYS),
        "old.csv": _csv("id,correo,movil,tarjeta", [f"o{n}" for n in PEOPLE], EMAILS, PHONES, CARDS),
        "reference/identity_decisions.csv": "first_source,first_key,second_source,second_key,decision,note,decided_on\n"
        f"crm,{EMAILS[1]},old,o2,always,,2026-01-01\n",
    }.items():
        company.write(name, text)
    return company


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """After one good night, and one in which files came that are refused: without a header, and of unknown channels."""
    company = _open_company(tmp_path_factory.mktemp("keys"))
    report = company.night()
    assert (report.status, report.exit_code) == ("published", 0), report.message
    company.write("crm_2.csv", f"{EMAILS[3]},{PHONES[3]}\n{EMAILS[4]},{PHONES[4]}\n")
    company.write("calls_2.csv", _csv("telefono,dia,canal,pedido", PHONES, ["2026-02-01"] * 40, EMAILS, ["P2"] * 40))
    report = company.night()
    assert (report.status, report.exit_code) == ("nothing new", 3), report.message
    return company


def _spellings() -> set[str]:
    """Every value of the dictionary, as delivered and in the forms that one might try."""
    values = {*EMAILS, *PHONES, *CARDS}
    values |= {form for value in EMAILS for form in clean_email(value) if form and "@" in form}
    values |= {form for value in PHONES for form in clean_phone(value, "ES") if form and value in form}
    values |= {f"+34{value}" for value in PHONES} | {f"{value[:3]} {value[3:]}" for value in PHONES}
    return values | {f(value) for value in values for f in (str.lower, str.upper, str.strip)}


def _composed() -> set[str]:
    """The keys of the feeds, single and composed, in every spelling of their parts."""
    others = {"marketing", *DAYS, *(f"T{n}" for n in (*PEOPLE, 90, 91))}
    values = _spellings()
    return values | {f"{value}|{other}" for value in values for other in others}


def _first_63_bits(text: str) -> int:
    return int(hashlib.md5(text.encode()).hexdigest()[:16], 16) >> 1


@pytest.fixture(scope="module")
def numbers() -> set[int]:
    """The dictionary, hashed as surrogate keys are."""
    composed = _composed()
    sources = ["", *(f"{name}|" for name in [*CONFIG["sources"], "reference"])]
    records = {_first_63_bits(source + value) for source in sources for value in composed}
    records |= {_first_63_bits("\x1f" + value) for value in composed}
    kinds = (
        "order",
        "return",
        "interaction",
        "reward",
        "consent",
        "campaign contact",
        "contract start",
        "erasure request",
    )
    singles = {_first_63_bits(source + value) for source in sources for value in _spellings()}
    return records | {_first_63_bits(f"{kind}|{record}") for kind in kinds for record in singles}


@pytest.fixture(scope="module")
def texts() -> set[str]:
    """The dictionary in clear and hashed as text, cut to what masked values and hashed keys have."""
    hashed = {
        h(value.encode()).hexdigest()
        for value in _composed()
        for h in (hashlib.md5, hashlib.sha1, hashlib.sha256, hashlib.blake2b)
    }
    return {digest[:12] for digest in hashed}


def _cells(path: Path) -> Iterator[tuple[str, str, list[Any]]]:
    """(table.column, type, distinct values) of a published file."""
    connection = duckdb.connect(str(path), read_only=True)
    try:
        for schema, table, column, kind in connection.execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns() where not internal"
        ).fetchall():
            found = connection.execute(f'select distinct "{column}" from "{schema}"."{table}"').fetchall()
            yield f"{schema}.{table}.{column}", kind, [value for (value,) in found if value is not None]
    finally:
        connection.close()


def _is_disclosed(text: str, clear: set[str], hashes: set[str]) -> bool:
    """Whether a text holds a value of the dictionary, or a run of hexadecimal digits that a hash of one begins with."""
    lowered = text.lower()
    return any(value in lowered for value in clear) or any(
        lowered[i : i + 12] in hashes for i in range(len(lowered) - 11) if lowered[i : i + 12].isalnum()
    )


def test_a_dictionary_of_all_that_was_delivered_finds_nothing(
    company: Company, numbers: set[int], texts: set[str]
) -> None:
    clear = {value.lower() for value in _spellings()}
    published = company.config.published
    found: list[str] = []
    databases = [path for path in published.rglob("*.duckdb") if path.parent.name != "versions"]
    assert len(databases) == 2
    for path in databases:
        for name, kind, values in _cells(path):
            if "INT" in kind and any(value in numbers for value in values):
                found.append(f"{path.name} {name}, by a hash")
            if kind == "VARCHAR" and any(_is_disclosed(value, clear, texts) for value in values):
                found.append(f"{path.name} {name}")
    pages = list((company.config.data / "gate").glob("*.html"))
    others = [path for path in published.rglob("*") if path.is_file() and path.suffix != ".duckdb"]
    assert pages and {path.suffix for path in others} == {".html", ".json"}, "memory's copy is not for readers"
    for path in (*pages, *others):
        if _is_disclosed(path.read_text(encoding="utf-8"), clear, texts):
            found.append(path.name)
    assert found == []


def test_records_keyed_by_what_is_personal_are_still_one_customer(company: Company) -> None:
    together = company.published(
        """
        select count(distinct customer_id), count(*) from customer.customer_records
        where source in ('crm', 'club', 'calls', 'old') and is_delivered
        """
    )[0]
    # one key of crm stands twice and is quarantined, and someone decided that two people are one
    assert together[1] == 4 * len(PEOPLE) - 1 and together[0] <= len(PEOPLE)
    assert company.published("select count(*) from value.order_lines where customer_id = 0") == [(0,)]
    assert company.published("select sum(net_amount) from value.order_lines") == [(2 * 40 * 12.5,)]
    assert company.published("select count(*) from quality.identity_links where rule = 'always'") == [(1,)]


def test_an_email_in_an_amounts_column_is_masked_and_its_row_can_be_mended(company: Company) -> None:
    for file, table in (("marts.duckdb", "operations.quarantined_rows"), ("operations.duckdb", "quarantined_rows")):
        assert company.published(
            f"""
            select source_row, value, personal_value, shape, reason from {table}
            where source_file = 'till.csv' and field = 'net_amount'
            """,
            file,
        ) == [
            (42, None, masked(EMAILS[7], SECRET), "Aaaaa.Aaaaa9@aaaaaa9.aaaaaaa", "not an amount, or one of 100 billion and more")
        ]  # fmt: skip
    (page,) = (company.config.data / "gate").glob("*till-transactions.html")
    text = page.read_text(encoding="utf-8")
    assert "Aaaaa.Aaaaa9@aaaaaa9.aaaaaaa" in text and masked(EMAILS[7], SECRET) in text
    (examples,) = company.published(
        "select examples from load_checks where expectation = 'channel_is_known' and not is_met", "operations.duckdb"
    )[0]
    assert "masked:" in examples and "@aaaaaa9.aaaaaaa" in examples


def test_a_file_without_a_header_is_refused_with_the_number_of_its_columns(company: Company) -> None:
    ((reason,),) = company.published(
        "select reason from loads where source = 'crm' and status = 'refused'", "operations.duckdb"
    )
    assert "crm_2.csv" in reason and "no column 'correo'" in reason and "2 columns" in reason and "header" in reason


def test_memory_keeps_the_keys_and_only_the_operator_can_take_its_copy(company: Company) -> None:
    folder = company.config.data / "memory"
    assert folder.stat().st_mode & 0o077 == 0
    held = duckdb.sql(f"select method, key from '{folder / 'keys.parquet'}' where name = 'identity'").fetchall()
    key = KeyedHash.of_secret(SECRET)
    assert held == [(key.method, key.key)]
    hashed = key.of(CARDS[3])
    assert company.warehouse(
        f"select count(*) from raw.customers where source = 'club' and record_key = '{hashed}'"
    ) == [(1,)]


def _load(company: Company, *entities: str) -> list[Outcome]:
    with open_run(company.config, now=NOW) as run:
        return [o for feed in feeds_of(company.config) if feed.entity.name in entities for o in run.load(feed)]


def test_a_warehouse_that_was_loaded_before_its_keys_were_personal_keeps_its_customers(tmp_path: Path) -> None:
    company = _open_company(tmp_path)
    personal = {name: source for name, source in CONFIG["sources"].items() if name in ("club", "till")}
    company.change(lambda s: s.update(sources=json.loads(json.dumps(personal))))
    # as version 0.1 loaded it: the card is no personal column of the club's
    company.change(lambda s: s["sources"]["club"]["entities"]["customers"]["columns"].pop("loyalty_id"))
    _load(company, "customers", "transactions", "rewards")
    connection = duckdb.connect(str(company.config.warehouse))
    ((clear_id,),) = connection.execute(
        "select record_id from raw.customers where record_key = ?", [CARDS[5]]
    ).fetchall()
    connection.execute("insert into memory.customer_registry values (?, 77, 'r', 1, now())", [clear_id])
    connection.execute(
        "insert into memory.campaign_splits values ('SPRING', ?, 77, 'chosen', 's', 0.5, 'r', now())", [clear_id]
    )
    connection.execute("insert into memory.audience_members values ('r', 'SPRING', ?, 77, 'chosen')", [clear_id])
    connection.execute(
        "insert into memory.portfolio_decisions values (current_date, 'r', 1, ?, 77, 'north', 'why', false, now())",
        [clear_id],
    )
    connection.close()
    company.change(lambda s: s["sources"]["club"]["entities"]["customers"]["columns"].update(loyalty_id="tarjeta"))
    again = _load(company, "customers", "transactions", "rewards")
    assert {outcome.status for outcome in again} == {"nothing new"}
    key = KeyedHash.of_secret(SECRET)
    record_id = _first_63_bits(f"club|{key.of(CARDS[5])}")
    for table in BY_RECORD:
        assert company.warehouse(f"select record_id from memory.{table} where customer_id = 77") == [(record_id,)], (
            table
        )
    assert company.warehouse(f"select count(*) from raw.customers where record_id = {record_id}") == [(1,)]
    order = key.of(f"{CARDS[5]}|T5")
    assert company.warehouse(
        f"""
        select customer_record_id, order_key, order_id, record_id, net_amount from raw.transactions
        where customer_key = '{key.of(CARDS[5])}'
        """
    ) == [(record_id, order, _first_63_bits(f"till|{order}"), _first_63_bits(f"till|{order}"), 12.5)]
    assert company.warehouse("select count(*) from raw.rewards where not starts_with(record_key, 'p_')") == [(0,)]


def test_what_an_earlier_version_showed_in_quarantine_is_hidden_once_a_run_opens(shop: Company) -> None:
    with open_run(shop.config):
        pass
    connection = duckdb.connect(str(shop.config.warehouse))
    connection.execute("delete from ledger.renewals")
    connection.execute(
        "insert into ledger.quarantined_rows by name select 1 as batch_id, 'till' as source, 'transactions' as entity, "
        "'x.csv' as source_file, 'ana@example.com' as value, 'not an amount' as reason, now() as quarantined_at"
    )
    connection.execute(
        "insert into ledger.loads by name select 1 as batch_id, 'r' as run_id, 'till' as source, 'customers' as entity, "
        "'append' as delivery, 'refused' as status, 'm' as mapping_hash, now() as started_at, "
        "'x.csv: the source has no column ''id''. It has: ana@example.com, 612345678' as reason, "
        "'id, ana@example.com' as columns"
    )
    connection.close()
    with open_run(shop.config):
        pass
    assert shop.warehouse("select value, personal_value, shape from ledger.quarantined_rows") == [
        (None, "ana@example.com", "aaa@aaaaaaa.aaa")
    ]
    assert shop.warehouse("select reason, columns from ledger.loads") == [
        ("x.csv: the source has no column 'id'.", "id, column 2")
    ]


def test_a_column_that_is_declared_not_personal_shows_what_did_not_fit(shop: Company) -> None:
    shop.write("sales_1.csv", SALES + "9,1,a,bread,two,yesterday\n")
    shop.change(lambda s: s["sources"]["till"]["entities"]["transactions"].update(not_personal=["net_amount"]))
    _load(shop, "transactions")
    rows = shop.warehouse("select field, value, personal_value, shape from ledger.quarantined_rows order by field")
    assert rows == [("net_amount", "two", None, "aaa"), ("ordered_at", None, "yesterday", "aaaaaaaaa")]


@pytest.mark.parametrize(
    ("header", "shown"),
    [("mood", "mood"), ("ana@example.com", "column 7"), ("+34 612 345 678", "column 7"), ("31/12/1999", "column 7")],
)
def test_a_new_column_that_cannot_be_a_name_goes_by_its_place(running: Company, header: str, shown: str) -> None:
    lines = MORE_SALES.splitlines()
    running.write("sales_2.csv", "\n".join([f"{lines[0]},{header}", *(f"{line},x" for line in lines[1:])]) + "\n")
    (outcome,) = _load(running, "transactions")
    assert (outcome.status, outcome.new_columns) == ("loaded", (shown,))
    assert running.warehouse("select columns from ledger.loads order by batch_id desc limit 1")[0][0].endswith(shown)


def test_control_totals_that_are_no_numbers_are_refused_without_quoting_them(shop: Company) -> None:
    shop.change(
        lambda s: s["sources"]["till"]["entities"]["transactions"].update(
            control_totals={"files": "totals.csv", "sum_column": "total"}
        )
    )
    shop.write("totals.csv", "file,total\nsales_1.csv,ana@example.com\n")
    (outcome,) = _load(shop, "transactions")
    assert outcome.status == "refused" and "ana" not in outcome.reason and "aaa@aaaaaaa.aaa" in outcome.reason
    assert read_secret(shop.config.data)
