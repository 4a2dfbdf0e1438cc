"""Guests: an order or a contact that gives an e-mail, a telephone or a name and no id makes a record of a customer."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.load.loading import Loading

ORDERS = {
    "files": "orders*.csv",
    "key": ["order", "item"],
    "columns": {
        "order_key": "order", "customer_key": "account", "net_amount": "net", "ordered_at": "placed", "email": "Email",
        "phone": "Phone", "full_name": {"sql": 'trim("Billing Name")'},
    },
}  # fmt: skip
HEADER = "order,item,account,net,placed,Email,Phone,Billing Name\n"


def _shop(folder: Path, **entities: Any) -> Loading:
    return Loading(folder, {"shop": {"entities": {"transactions": ORDERS, **entities}}})


def _customers_of_lines(company: Loading) -> list[tuple[Any, ...]]:
    """Order → what is known of its customer now, by the id that line and record share."""
    return company.rows(
        """
        select distinct order_key, known.email, known.phone, known.full_name
        from raw.transactions left join (
            select * from raw.customers
            qualify row_number() over (partition by record_id order by version desc, content_hash desc) = 1
        ) as known on customer_record_id = known.record_id
        order by all
        """
    )


def test_an_email_makes_one_customer_of_all_its_orders_and_is_not_in_the_key(tmp_path: Path) -> None:
    company = _shop(tmp_path)
    company.write(
        "orders_1.csv",
        HEADER
        # a flat file says on the first line whose the order is
        + "1,1,,5.00,2026-01-05,Ann@Example.com ,600,Ann Lee\n1,2,,6.00,2026-01-05,ann@example.com,,\n"
        + "2,1,,7.00,2026-01-09,ANN@example.com,600,Ann Lee\n3,1,,1.00,2026-01-09,,,\n",
    )
    outcomes = company.load()
    assert (outcomes["transactions"].loaded, outcomes["transactions_customers"].left_out) == (4, 1)
    assert outcomes["transactions_customers"].quarantined == 0
    assert [row[0] for row in _customers_of_lines(company) if row[3] == "Ann Lee"] == ["1", "2"]
    assert [row for row in _customers_of_lines(company) if row[0] == "3"] == [("3", None, None, None)]
    keys = company.rows("select distinct record_key from raw.customers")
    assert len(keys) == 1 and keys[0][0].startswith("p_") and "ann" not in keys[0][0]
    assert company.is_closed()


def test_who_says_nothing_new_of_themselves_makes_no_new_version(tmp_path: Path) -> None:
    company = _shop(tmp_path)
    company.write("orders_1.csv", HEADER + "".join(f"{n},1,,5,2026-01-0{n},a@b.es,600,Ann\n" for n in (1, 2, 3)))
    company.load()
    company.write("orders_2.csv", HEADER + "4,1,,5,2026-01-04,a@b.es,600,Ann\n5,1,,5,2026-01-05,a@b.es,700,Ann\n")
    company.load()
    assert company.rows("select phone, version_at::date::varchar from raw.customers order by version") == [
        ("600", "2026-01-01"), ("700", "2026-01-05")
    ]  # fmt: skip


def test_without_an_email_the_telephone_names_the_guest_and_a_name_alone_only_its_order(tmp_path: Path) -> None:
    company = _shop(tmp_path)
    company.write(
        "orders_1.csv",
        HEADER
        + "1,1,,5,2026-01-05,,+34 600-11,Ann\n2,1,,5,2026-01-06,,+34600 11,Ann\n"
        + "3,1,,5,2026-01-07,,,John Smith\n4,1,,5,2026-01-08,,,John Smith\n4,2,,5,2026-01-08,,,John Smith\n",
    )
    company.load()
    ids = dict(company.rows("select distinct order_key, customer_record_id from raw.transactions"))
    assert ids["1"] == ids["2"] and len({ids["1"], ids["3"], ids["4"]}) == 3


@pytest.mark.parametrize("has_records", [False, True])
def test_a_customer_with_an_id_keeps_it_and_their_record_if_there_is_one(tmp_path: Path, has_records: bool) -> None:
    people = {"files": "people.csv", "key": "id", "columns": {"full_name": "name", "updated_at": "changed"}}
    company = _shop(tmp_path, **({"customers": people} if has_records else {}))
    company.write("people.csv", "id,name,changed\n17,Ann María Lee,2025-01-01\n")
    company.write("orders_1.csv", HEADER + "1,1,17,5,2026-01-05,ann@example.com,,Ann L\n")
    company.load()
    assert company.rows("select customer_key from raw.transactions") == [("17",)]
    expected = ("1", None, None, "Ann María Lee") if has_records else ("1", "ann@example.com", None, "Ann L")
    assert _customers_of_lines(company) == [expected]


def test_a_contact_and_an_order_of_one_email_are_one_customers(tmp_path: Path) -> None:
    calls = {
        "files": "calls.csv", "key": "call",
        "columns": {"kind": {"value": "request"}, "opened_at": "at", "email": "from"},
    }  # fmt: skip
    company = _shop(tmp_path, interactions=calls)
    company.write("orders_1.csv", HEADER + "1,1,,5,2026-01-05,ann@example.com,,\n")
    company.write("calls.csv", "call,at,from\n9,2026-01-07 10:00,ann@example.com\n")
    company.load()
    assert company.rows(
        "select count(*) from raw.interactions join raw.transactions using (customer_record_id) join raw.customers "
        "on customer_record_id = raw.customers.record_id"
    ) == [(2,)], "one version by the order, one by the call"


def test_a_guest_whose_order_is_void_stays_the_guest_of_their_other_order(tmp_path: Path) -> None:
    company = Loading(tmp_path, {"shop": {"entities": {"transactions": {**ORDERS, "where": "net <> '0'"}}}})
    company.write(
        "orders_1.csv", HEADER + "1,1,,5,2026-01-05,ann@example.com,,Ann\n2,1,,0,2026-01-09,ann@example.com,,Ann\n"
    )
    company.load()
    assert company.current("customers", "full_name") == [("Ann",)]


def test_ids_that_are_personal_are_hashed_alike_in_lines_and_records(tmp_path: Path) -> None:
    columns = {**ORDERS["columns"], "customer_key": "Email"}
    company = Loading(tmp_path, {"shop": {"entities": {"transactions": {**ORDERS, "columns": columns}}}})
    company.write("orders_1.csv", HEADER + "1,1,,5,2026-01-05,ann@example.com,,Ann\n")
    company.load()
    assert _customers_of_lines(company) == [("1", "ann@example.com", None, "Ann")]
    keys = company.rows("select record_key from raw.customers union all select customer_key from raw.transactions")
    assert len(set(keys)) == 1 and "ann@" not in keys[0][0]


def test_a_file_that_describes_guests_is_kept_once(tmp_path: Path) -> None:
    company = _shop(tmp_path)
    company.write("orders_1.csv", HEADER + "1,1,,5,2026-01-05,a@b.es,600,Ann\n")
    company.load()
    company.write("orders_2.csv", HEADER + "2,1,,5,2026-01-06,c@b.es,700,Eva\n")
    outcomes = company.load()
    assert outcomes["transactions_customers"].loaded == 1 and outcomes["transactions"].loaded == 1
    kept = [path.name for path in (tmp_path / "data" / "landing").rglob("*.csv")]
    assert len(kept) == 2 == len(set(kept)), "the customers are read from the copy that the orders have"
