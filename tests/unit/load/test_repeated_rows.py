"""Rows of one file that say the same: numbered, dropped, or quarantined with their amount. Never lost without a word."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from clientela.config.read import load_config
from clientela.errors import ConfigError
from clientela.extract.feeds import feeds_of
from clientela.load import staging
from clientela.load.context import LoadContext
from clientela.load.landing import DeliveredFile
from clientela.load.repeats import REPEATED_ROW, overlapping_files
from tests.unit.load.loading import NOW, Loading, shop

HEADER = "receipt,product,customer,net,sold_at\n"
#: an export without line numbers: two caps on one receipt, and one on another
CAPS = HEADER + "1,cap,a,5.00,2026-01-05\n1,cap,a,5.00,2026-01-05\n1,tie,a,9.00,2026-01-05\n2,cap,b,5.00,2026-01-06\n"
NO_LINES: dict[str, Any] = {
    "key": ["receipt", "product"],
    "columns": {
        "order_key": "receipt", "product_key": "product", "customer_key": "customer", "net_amount": "net",
        "ordered_at": "sold_at",
    },
}  # fmt: skip


def test_a_repeated_row_of_which_nothing_is_said_is_quarantined_with_its_amount(tmp_path: Path) -> None:
    company = shop(tmp_path, **NO_LINES)
    company.write("lines_1.csv", CAPS)
    outcome = company.load()["transactions"]
    assert (outcome.loaded, outcome.unchanged, outcome.quarantined) == (3, 0, 1)
    assert company.rows("select source_row, field, reason, amount from ledger.quarantined_rows") == [
        (3, "key", REPEATED_ROW, 5)
    ]
    assert company.amounts()["quarantined"] == (1, Decimal(5), 0)
    assert company.is_closed()


def test_both_caps_of_one_receipt_count_where_repeats_are_numbered(tmp_path: Path) -> None:
    company = shop(tmp_path, repeats="number", **NO_LINES)
    company.write("lines_1.csv", CAPS)
    assert company.load()["transactions"].loaded == 4
    assert company.current("transactions", "order_key, product_key, net_amount") == [
        ("1", "cap", 5), ("1", "cap", 5), ("1", "tie", 9), ("2", "cap", 5)
    ]  # fmt: skip
    assert company.is_closed()


@pytest.mark.parametrize("versions", [{}, {"version_by": "sold_at"}], ids=["by the batches", "by the rows"])
def test_the_same_lines_again_change_nothing_in_whatever_file_they_come(
    tmp_path: Path, versions: dict[str, str]
) -> None:
    company = shop(tmp_path, repeats="number", **NO_LINES, **versions)
    company.write("lines_1.csv", CAPS)
    company.load()
    before = company.current("transactions", "record_id, net_amount")
    # the same file under another name and with one line more; and one that overlaps with it
    company.write("lines_2.csv", CAPS + "3,tie,b,9.00,2026-01-07\n")
    company.write("lines_3.csv", HEADER + "".join(CAPS.splitlines(keepends=True)[1:4]) + "4,tie,b,9.00,2026-01-08\n")
    outcome = company.load()["transactions"]
    assert (outcome.delivered, outcome.loaded, outcome.unchanged, outcome.quarantined) == (9, 2, 7, 0)
    assert set(before) < set(company.current("transactions", "record_id, net_amount"))
    assert company.rows("select sum(net_amount) from raw.transactions") == [(Decimal(42),)]
    assert company.is_closed()


def test_duplicates_are_dropped_where_the_feed_says_that_they_are(tmp_path: Path) -> None:
    company = shop(tmp_path, repeats="drop", **NO_LINES)
    company.write("lines_1.csv", CAPS)
    outcome = company.load()["transactions"]
    assert (outcome.loaded, outcome.unchanged, outcome.quarantined) == (3, 1, 0)
    assert company.amounts()["unchanged"] == (1, Decimal(5), 0)


@pytest.mark.parametrize("repeats", [None, "number", "drop"])
def test_one_key_that_says_two_things_is_a_conflict_whatever_repeats_are(tmp_path: Path, repeats: str | None) -> None:
    company = shop(tmp_path, **NO_LINES, **({"repeats": repeats} if repeats else {}))
    company.write("lines_1.csv", CAPS + "1,cap,a,4.00,2026-01-05\n")
    company.load()
    assert company.current("transactions", "order_key, product_key") == [("1", "tie"), ("2", "cap")]
    assert company.reasons() == {"the key is there 3 times in this file, with different content": 3}
    assert company.is_closed()


def test_a_customer_said_twice_is_one(tmp_path: Path) -> None:
    customers = {"files": "people.csv", "key": "id", "columns": {"full_name": "name"}}
    company = Loading(tmp_path, {"till": {"entities": {"customers": customers}}})
    company.write("people.csv", "id,name\n1,Ann\n1,Ann\n")
    outcome = company.load()["customers"]
    assert (outcome.loaded, outcome.unchanged, outcome.quarantined) == (1, 1, 0)


def test_a_key_that_looks_like_a_numbered_one_is_another(tmp_path: Path) -> None:
    company = shop(tmp_path, repeats="number", **{**NO_LINES, "key": "receipt"})
    company.write("lines_1.csv", HEADER + "1,cap,a,5.00,2026-01-05\n" * 2 + "1|#3,cap,a,5.00,2026-01-05\n")
    company.load()
    assert company.rows("select count(distinct record_id), count(*) from raw.transactions") == [(3, 3)]


@pytest.mark.parametrize(("has_orders", "found"), [(True, []), (False, [("a.csv", "b.csv", 1)])])
def test_files_that_overlap_are_named_where_no_order_holds_their_rows(
    tmp_path: Path, has_orders: bool, found: list[tuple[str, str, int]]
) -> None:
    columns = {"customer_key": "who", "kind": {"value": "contact"}, "opened_at": "at"}
    contacts = {
        "files": "*.csv", "key": ["who", "at"], "repeats": "number",
        "columns": columns | ({"order_key": "who"} if has_orders else {}),
    }  # fmt: skip
    company = Loading(tmp_path, {"desk": {"entities": {"interactions": contacts}}})
    company.write("a.csv", "who,at\n1,2026-01-05\n1,2026-01-05\n2,2026-01-05\n")
    company.write("b.csv", "who,at\n2,2026-01-05\n3,2026-01-06\n")
    (feed,) = feeds_of(load_config(tmp_path / "clientela.yml"))
    (tmp_path / "scratch").mkdir()
    context = LoadContext(company.connection, feed, "", NOW, tmp_path / "scratch")
    files = [DeliveredFile(tmp_path / name, name, name, 100, tmp_path / name) for name in ("a.csv", "b.csv")]
    staging.build(context, files)
    assert overlapping_files(context) == found


FLAT = {
    "entities": {
        "customers": {
            "files": "lines*.csv", "key": "customer", "where": "customer is not null", "repeats": "last",
            "columns": {"full_name": "name", "city": "town"},
        },
        "transactions": {"files": "lines*.csv", **NO_LINES},
    }
}  # fmt: skip
FLAT_HEADER = "receipt,product,customer,name,town,net,sold_at\n"


def test_of_customers_whom_lines_of_sales_describe_the_last_line_counts(tmp_path: Path) -> None:
    company = Loading(tmp_path, {"till": FLAT})
    company.write(
        "lines_1.csv",
        FLAT_HEADER
        + "1,cap,a,Ana,Leon,5.00,2026-01-05\n2,tie,b,Blas,Soria,9.00,2026-01-05\n"
        + "3,cap,a,Ana,Burgos,5.00,2026-01-06\n4,cap,,,,5.00,2026-01-06\n",
    )
    outcomes = company.load()
    customers = outcomes["customers"]
    assert (customers.loaded, customers.unchanged, customers.left_out, customers.quarantined) == (2, 1, 1, 0)
    assert company.current("customers", "record_key, city") == [("a", "Burgos"), ("b", "Soria")]
    company.write(
        "lines_2.csv", FLAT_HEADER + "5,cap,a,Ana,Burgos,5.00,2026-02-05\n6,cap,b,Blas,Leon,5.00,2026-02-05\n"
    )
    customers = company.load()["customers"]
    assert (customers.loaded, customers.unchanged) == (1, 1), "who is as before says nothing new"
    assert company.current("customers", "record_key, city") == [("a", "Burgos"), ("b", "Leon")]
    assert company.rows("select count(*) from raw.transactions") == [(6,)]


def test_the_last_of_lines_of_sales_is_refused_as_a_setting(tmp_path: Path) -> None:
    company = shop(tmp_path, repeats="last", **NO_LINES)
    with pytest.raises(ConfigError, match=r"repeats = 'last': each row of transactions is an event of its own"):
        load_config(company.folder / "clientela.yml")
