"""Forgetting a person: no byte of theirs stays in the data folder, books add up, and deliveries do not bring them back."""

import gzip
import shutil
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from clientela.build_models import NodeResult
from clientela.errors import ClientelaError
from clientela.pipeline import nightly
from clientela.pipeline.open_run import open_run
from clientela.pipeline.pipeline_run import PipelineRun
from clientela.pipeline.rebuild import rebuild
from clientela.pipeline.reload_batches import reload
from clientela.privacy.forget import complete_proofs
from clientela.privacy.person import by_request
from clientela.privacy.search import encoded, search
from tests.conftest import NOW, SALES, Company, open_shop

PEOPLE = """customer,name,email,phone,street,changed
a-100,Ana Gil Torralba,ana.gil@example.com,+34 612 345 678,Calle del Olmo 7,2026-01-01 08:00:00
b-200,Blas Ruiz,blas@example.com,+34 699 111 222,Gran Via 1,2026-01-02 08:00:00
"""
#: another version of the person, a row that is refused, and one that is of nobody else
MORE_PEOPLE = """customer,name,email,phone,street,changed
a-100,Ana Gil Torralba,ana.gil@example.com,+34 612 345 678,Calle del Olmo 7 bis,2026-02-01 08:00:00
a-100,Ana Gil Torralba,ana.gil@example.com,+34 612 345 678,Calle del Olmo 8,not a time
"""
CALLS = "id,customer,kind,at,note\n1,a-100,complaint,2026-01-10 10:00:00,Ana Gil Torralba asked for a refund\n"
REQUESTS = "id,customer,at\nR-1,a-100,2026-01-15 10:00:00\n"
#: as many delimiters as two whole lines have: that they are none shows only where they are read
SHORT_AND_LONG = "8,1,ana.gil@example.com\n9,1,b-200,bread,2.00,2026-01-20 18:30:00,,,\n"
#: what must not be found any more
HERS = ("Ana Gil Torralba", "ana.gil@example.com", "+34 612 345 678", "Calle del Olmo", "a-100")
NIGHT = NOW + timedelta(days=1)


def open_privacy_shop(folder: Path) -> Company:
    shop = open_shop(folder)

    def change(settings: dict[str, Any]) -> None:
        entities = settings["sources"]["till"]["entities"]
        entities["customers"] |= {"files": "customers*.csv*"}
        entities["customers"]["columns"] |= {"phone": "phone", "street": "street"}
        entities["interactions"] = {
            "files": "calls.csv", "key": "id",
            "columns": {"customer_key": "customer", "kind": "kind", "opened_at": "at", "note": "note"},
        }  # fmt: skip
        entities["erasures"] = {
            "files": "erasures.csv", "key": "id", "columns": {"customer_key": "customer", "requested_at": "at"},
        }  # fmt: skip

    shop.change(change)
    shop.write("customers.csv", PEOPLE)
    shop.write("customers_2.csv.gz", gzip.compress(MORE_PEOPLE.encode()))
    shop.write("sales_1.csv", SALES.replace(",a,", ",a-100,").replace(",b,", ",b-200,"))
    shop.write("calls.csv", CALLS)
    return shop


def load(shop: Company, now: datetime = NOW) -> None:
    """A night without its marts."""
    with open_run(shop.config, "night", now=now) as run:
        run.load_all()
        run.forget_due()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shop = open_privacy_shop(tmp_path_factory.mktemp("shop"))
    load(shop)
    return shop.folder


@pytest.fixture
def shop(tmp_path: Path, made: Path) -> Company:
    shutil.copytree(made, tmp_path / "shop")
    return Company(tmp_path / "shop")


def found(shop: Company) -> dict[str, list[str]]:
    """File → what of hers is in it, looked for by bytes, unpacked, and by asking tables."""
    if not any(search(shop.config.data, HERS).values()):
        return {}
    hits = {value: search(shop.config.data, [value]) for value in HERS}
    return {
        name: [v for v in HERS if hits[v].get(name)] for name in hits[HERS[0]] if any(hits[v].get(name) for v in HERS)
    }


def forgotten(shop: Company, now: datetime = NIGHT) -> Company:
    """The shop after the night that carries out her request."""
    shop.write("erasures.csv", REQUESTS)
    load(shop, now)
    return shop


def test_the_search_finds_what_is_there(shop: Company) -> None:
    hits = found(shop)
    assert set(HERS) == {value for values in hits.values() for value in values}
    for kind in (
        "warehouse.duckdb",
        "landing/till/customers/",
        "landing/till/interactions/",
        "landing/till/transactions/",
    ):
        assert any(name.startswith(kind) for name in hits), kind
    assert any(name.endswith(".gz") for name in hits), "packed files are unpacked"
    (shop.config.data / "gate" / "x.html").write_bytes(b"..." + encoded("ana.gil@example.com")[1])
    assert "ana.gil@example.com" in found(shop)["gate/x.html"], "in UTF-16 too"


def test_no_byte_of_the_forgotten_stays_and_the_books_add_up(shop: Company) -> None:
    total = "select sum(net_amount), count(*) from raw.transactions"
    before = shop.warehouse(total)
    hers = "select record_id from raw.customers where record_key = 'a-100' limit 1"
    ((record_id,),) = shop.warehouse(hers)
    with duckdb.connect(str(shop.config.warehouse)) as connection:
        connection.execute(
            "insert into memory.portfolio_decisions values (current_date, 'r', 1, ?, 1, 'north', 'why', false, now())",
            [record_id],
        )
        connection.execute("insert into memory.audience_members values ('r', 'news', ?, 1, 'chosen')", [record_id])
    written_out = shop.config.data / "audiences" / "news.csv"
    written_out.parent.mkdir()
    written_out.write_text("email\nana.gil@example.com\n", encoding="utf-8")
    forgotten(shop)
    assert found(shop) == {}
    kept = shop.warehouse("select record_id, portfolio from memory.portfolio_decisions")
    assert len(kept) == 1 and kept[0][0] != record_id and kept[0][1] == "north"
    assert shop.warehouse("select record_id from memory.audience_members") == [(kept[0][0],)]
    assert shop.warehouse(total) == before
    keys = {
        key
        for (key,) in shop.warehouse(
            "select distinct customer_key from raw.transactions where customer_key is not null"
        )
    }
    assert "b-200" in keys and len(keys) == 2
    (anonymous,) = keys - {"b-200"}
    assert anonymous.startswith("forgotten-")
    assert shop.warehouse("select customer_key, note from raw.interactions") == [(anonymous, None)]
    assert shop.warehouse("select record_key from raw.customers") == [("b-200",)]
    for delivered, sum_of in shop.warehouse(
        """
        select delivered_rows, loaded_rows + unchanged_rows + quarantined_rows + left_out_rows + coalesce(forgotten_rows, 0)
        from ledger.loads
        """
    ):
        assert delivered == sum_of
    assert shop.warehouse("select sum(forgotten_rows) from ledger.loads where entity = 'customers'") == [(2,)]
    (proof,) = complete_proofs(shop.config)
    text = proof.read_text(encoding="utf-8")
    assert '"warehouse.duckdb"' in text and "inbox" in text and not any(value in text for value in HERS)


def test_a_file_with_lines_cut_short_is_written_anew_too(shop: Company) -> None:
    cut_short = SALES.replace(",a,", ",a-100,").replace(",b,", ",b-200,").replace("\n1,", "\n7,") + SHORT_AND_LONG
    shop.change(
        lambda s: s["sources"]["till"]["entities"]["transactions"].update(
            gate={"quarantined_share": {"severity": "off"}}
        )
    )
    shop.write("sales_2.csv", cut_short)
    load(shop)
    forgotten(shop)
    assert found(shop) == {}
    kept = "select count(*) from ledger.quarantined_rows where source_file = 'sales_2.csv'"
    assert shop.warehouse(kept) == [(2,)], "lines that cannot be read stay in their place, without her values"


def test_a_line_that_cannot_be_read_and_bears_only_their_key_says_nothing_any_more(shop: Company) -> None:
    """A key is too short to be looked for in any text: it is found where the lines have it, and when it comes again."""
    line = "{},1,a-100,bread,2.00,2026-01-20 18:30:00,,,,\n"
    off = {"gate": {"quarantined_share": {"severity": "off"}}}
    shop.change(lambda s: s["sources"]["till"]["entities"]["transactions"].update(off))
    sales = SALES.replace(",a,", ",b-200,").replace(",b,", ",b-200,")
    shop.write("sales_2.csv", sales.replace("\n1,", "\n11,") + line.format(12))
    load(shop)
    assert "a-100" in found(shop)["warehouse.duckdb"]
    forgotten(shop)
    assert found(shop) == {}
    shop.write(
        "sales_3.csv", sales.replace("\n1,", "\n21,") + line.format(22) + line.format(23).replace("a-100", "b-200")
    )
    load(shop, NIGHT + timedelta(days=1))
    assert found(shop) == {}
    kept = (
        "select source_file, count(*) from ledger.quarantined_rows where source_row is not null group by 1 order by 1"
    )
    assert dict(shop.warehouse(kept)) | {"sales_2.csv": 1, "sales_3.csv": 2} == dict(shop.warehouse(kept))
    assert [row for row in shop.warehouse("select personal_value from ledger.quarantined_rows where source_file = 'sales_3.csv'")
            if row[0] and "b-200" in row[0]], "the line of somebody else is as it came"  # fmt: skip


def test_grace_is_kept(shop: Company) -> None:
    forgotten(shop, datetime.fromisoformat("2026-02-10T03:00:00+00:00"))
    assert "warehouse.duckdb" in found(shop), "26 days after the request"


@pytest.mark.parametrize("request_key", [None, "R-1"])
def test_whom_the_last_build_does_not_know_is_forgotten_in_every_source_after_one(
    shop: Company, monkeypatch: pytest.MonkeyPatch, request_key: str | None
) -> None:
    """By the night, and by a request's key. A stand-in for the build finds two records to be one person's."""

    def transform(run: PipelineRun) -> list[NodeResult]:
        run.connection.execute("create schema if not exists customer")
        run.connection.execute(
            "create or replace table customer.customer_records as select record_id as customer_record_id, 1 as customer_id, "
            "source, record_key as customer_key from raw.customers group by all"
        )
        return []

    monkeypatch.setattr(PipelineRun, "transform", transform)
    for step in ("publish", "write_report", "require_sources"):
        monkeypatch.setattr(PipelineRun, step, lambda *_: None)
    shop.write("erasures.csv", REQUESTS + "R-2,a-100,2026-01-16 10:00:00\n")
    if request_key is None:
        notices = nightly.run(shop.config, now=NIGHT).notices
    else:
        with open_run(shop.config, now=NIGHT) as run:
            run.load_all()
        notices = nightly.forget(shop.config, request=request_key, now=NIGHT).notices
    assert notices[0].startswith("1 person was forgotten, with 2 records; ")
    assert shop.warehouse("select record_key from raw.customers") == []


def test_delivered_again_they_stay_forgotten(shop: Company) -> None:
    stays_forgotten(shop, "a new file")


def stays_forgotten(shop: Company, again: str) -> None:
    """Forget, deliver `again` in that way on two nights, and look."""
    if again == "a snapshot":
        shop.change(lambda s: s["sources"]["till"]["entities"]["customers"].update(delivery="snapshot"))
        shutil.rmtree(shop.config.data)
        load(shop)
    forgotten(shop)
    if again == "a rebuild":
        shop.config.warehouse.unlink()
        rebuild(shop.config)
    elif again == "a reload":
        reload(shop.config, "till", now=NIGHT + timedelta(days=1))
    for night in (2, 3):
        if again in ("a new file", "a snapshot"):
            shop.write(
                "customers_3.csv", PEOPLE + f"c-30{night},Carla Vidal,carla@example.com,1,x,2026-02-20 08:00:00\n"
            )
            shop.write("sales_2.csv", SALES.replace(",a,", ",a-100,").replace("\n1,", "\n7,").replace(",b,", ",b-200,"))
        load(shop, NIGHT + timedelta(days=night))
        assert found(shop) == {}, again
    outcomes = shop.warehouse(
        "select status, quarantined_rows, forgotten_rows from ledger.loads where entity = 'customers' order by batch_id"
    )
    assert all(status != "refused" for status, *_ in outcomes)
    if again in ("a new file", "a snapshot"):
        assert outcomes[-1][2] == 1 and outcomes[-1][1] == 0
        assert shop.warehouse("select record_key from raw.customers where record_key like 'a%'") == []
    of_hers = """
        select sum(net_amount) from raw.transactions where customer_key like 'forgotten-%'
            and batch_id in (select batch_id from ledger.loads where status = 'loaded')
    """
    assert shop.warehouse(of_hers) == [(Decimal("21.00" if again in ("a new file", "a snapshot") else "10.50"),)]
    assert shop.warehouse("select sum(quarantined_rows) from ledger.loads where entity = 'transactions'") == [(0,)]


def test_facts_go_too_where_the_company_says_so(shop: Company) -> None:
    shop.change(lambda settings: settings.update(privacy={"keep_facts": False}))
    forgotten(shop)
    assert found(shop) == {}
    assert shop.warehouse("select customer_key from raw.transactions where customer_key is not null") == [("b-200",)]
    assert shop.warehouse(
        "select disposition, sum(row_count), sum(net_amount) from ledger.load_amounts group by 1 order by 1"
    ) == [("delivered", 4, Decimal("16.50")), ("forgotten", 2, Decimal("10.50")), ("loaded", 2, Decimal("6.00"))]


def test_broken_off_it_is_as_before_or_done_by_the_next_run(shop: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    heals(shop, monkeypatch, "clientela.privacy.forget._carry")


def heals(shop: Company, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """Forget, end the process at that place, run again, and look."""

    def killed(*_: object, **__: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(place, killed)
        forgotten(shop)
    load(shop, NIGHT + timedelta(days=1))
    assert found(shop) == {}


def test_decisions_about_them_go_from_every_file_and_do_not_come_back(shop: Company) -> None:
    """A decision names two records by their keys, and says why in words: of the reference table, and of a batch refused."""
    decisions = (
        "first_source,first_key,second_source,second_key,decision,note\n"
        "till,a-100,till,b-200,never,Ana Gil Torralba said so\n"
        "till,b-200,till,c-300,never,neighbours\n"
    )
    shop.change(lambda settings: settings.update(reference_folder="reference"))
    shop.write("reference/identity_decisions.csv", decisions)
    load(shop)
    with duckdb.connect(str(shop.config.warehouse)) as connection:
        refused = shop.config.data / "quarantine" / "9-reference-identity_decisions.parquet"
        refused.parent.mkdir(exist_ok=True)
        connection.execute(f"copy (select * exclude (note) from raw.identity_decisions) to '{refused}'")
    assert {"landing/reference", "warehouse.duckdb", "quarantine"} <= {
        name.rpartition("/")[0].removesuffix("/identity_decisions") or name
        for name, values in found(shop).items()
        if "a-100" in values
    }
    forgotten(shop)
    assert found(shop) == {}
    kept = "select first_key, second_key from raw.identity_decisions"
    assert shop.warehouse(kept) == [("b-200", "c-300")]
    shop.write("reference/identity_decisions.csv", decisions.replace("neighbours", "they are neighbours"))
    load(shop, NIGHT + timedelta(days=1))
    assert found(shop) == {}
    assert set(shop.warehouse(kept)) == {("b-200", "c-300")}
    assert shop.warehouse(
        "select loaded_rows, forgotten_rows from ledger.loads where entity = 'identity_decisions' order by batch_id"
    ) == [(1, 1), (1, 1)]


def test_a_request_that_is_not_there_is_named(shop: Company) -> None:
    with (
        open_run(shop.config, "forget", now=NIGHT) as run,
        pytest.raises(ClientelaError, match="No erasure with the key"),
    ):
        by_request(run.connection, "R-9")
