"""Several feeds of one entity, one file in several feeds, keys by expression: each row is loaded once, under a key of its own."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from clientela.config.read import load_config
from clientela.errors import ConfigError
from tests.unit.load.loading import LINES, Loading

REFUNDS: dict[str, Any] = {
    "entity": "transactions",
    "files": "refunds*.csv",
    "key": "refund",
    "columns": {
        "order_key": "refund", "return_of_order_key": "receipt", "net_amount": {"sql": "-number(amount)"},
        "ordered_at": "at",
    },
}  # fmt: skip
SALES = "receipt,line,customer,net,sold_at\n1,1,a,10.00,2026-01-05\n2,1,b,20.00,2026-01-06\n"
BACK = "refund,receipt,amount,at\n1,1,4.00,2026-02-05\n2,2,20.00,2026-02-06\n"


@pytest.fixture
def company(tmp_path: Path) -> Loading:
    made = Loading(tmp_path, {"till": {"entities": {"transactions": LINES, "refunds": {**REFUNDS}}}})
    made.write("lines_1.csv", SALES)
    made.write("refunds_1.csv", BACK)
    return made


def test_a_refund_is_no_version_of_the_sale_of_its_number_and_names_its_order(company: Loading) -> None:
    outcomes = company.load()
    assert {name: outcome.loaded for name, outcome in outcomes.items()} == {"transactions": 2, "refunds": 2}
    assert company.rows("select count(distinct record_id), count(distinct order_id) from raw.transactions") == [(4, 4)]
    assert company.rows(
        """
        select returned.order_key, sale.order_key, returned.net_amount
        from raw.transactions as returned join raw.transactions as sale on returned.return_of_order_id = sale.order_id
        order by all
        """
    ) == [("1", "1", -4), ("2", "2", -20)]
    assert company.rows("select feed, entity, count(*) from ledger.loads group by all order by all") == [
        ("refunds", "transactions", 1), ("transactions", "transactions", 1)
    ]  # fmt: skip
    assert company.is_closed()


def test_the_same_content_is_new_to_each_feed_and_known_to_it_the_next_night(company: Loading) -> None:
    company.load()
    assert {outcome.status for outcome in company.load().values()} == {"nothing new"}


def test_what_vanishes_from_the_snapshot_of_one_feed_stays_in_the_other(tmp_path: Path) -> None:
    refunds = {**REFUNDS, "delivery": "snapshot"}
    company = Loading(tmp_path, {"till": {"entities": {"transactions": LINES, "refunds": refunds}}})
    company.write("lines_1.csv", SALES)
    company.write("refunds_1.csv", BACK)
    company.load()
    (tmp_path / "refunds_1.csv").unlink()
    company.write("refunds_2.csv", "refund,receipt,amount,at\n2,2,20.00,2026-02-06\n")
    assert company.load()["refunds"].deleted == 1
    assert company.current("transactions", "order_key, net_amount") == [("1", 10), ("2", -20), ("2", 20)]


def test_one_file_feeds_two_entities_and_a_key_may_be_an_expression(tmp_path: Path) -> None:
    people = {
        "files": "lines*.csv", "key": {"sql": "upper(customer)"}, "where": "customer <> ''",
        "columns": {"full_name": "customer"},
    }  # fmt: skip
    columns = {**LINES["columns"], "customer_key": {"sql": "upper(nullif(customer, ''))"}}
    lines = {**LINES, "columns": columns, "key": [{"sql": "'R' || receipt"}, "line"]}
    company = Loading(tmp_path, {"till": {"entities": {"customers": people, "transactions": lines}}})
    company.write("lines_1.csv", SALES + "3,1,,5.00,2026-01-07\n")
    outcomes = company.load()
    assert (outcomes["customers"].loaded, outcomes["customers"].left_out) == (2, 1)
    assert company.current("transactions", "record_key") == [("R1|1",), ("R2|1",), ("R3|1",)]
    assert company.rows(
        "select count(*) from raw.transactions join raw.customers on customer_record_id = raw.customers.record_id"
    ) == [(2,)]


def test_an_order_and_its_lines_meet_by_the_orders_key(tmp_path: Path) -> None:
    headers = {
        "files": "orders.csv", "key": "id",
        "columns": {"ordered_at": "placed", "shipping_amount": "shipping", "customer_key": "who"},
    }  # fmt: skip
    lines = {
        "files": "lines.csv", "key": ["id", "item"], "columns": {"order_key": "id", "net_amount": "net"},
    }  # fmt: skip
    company = Loading(tmp_path, {"shop": {"entities": {"orders": headers, "transactions": lines}}})
    company.write("orders.csv", "id,placed,shipping,who\n7,2026-01-05 10:00:00,4.90,a\n")
    company.write("lines.csv", "id,item,net\n7,1,3.00\n")
    company.load()
    assert company.rows(
        """
        select transactions.order_key, orders.ordered_at, shipping_amount, transactions.ordered_at
        from raw.transactions join raw.orders on transactions.order_id = orders.record_id
        """
    ) == [("7", datetime(2026, 1, 5, 10, tzinfo=UTC), Decimal("4.9"), None)]


@pytest.mark.parametrize(
    ("feeds", "sentence"),
    [
        ({"refunds": {**REFUNDS, "entity": "transaktions"}}, "did you mean transactions?"),
        ({"refund": {key: value for key, value in REFUNDS.items() if key != "entity"}}, "'refund' is not an entity"),
        ({"customers": REFUNDS}, "customers is the name of an entity; give this feed of transactions another name"),
        ({"Back office": REFUNDS}, "is no name for a feed"),
        (
            {"transactions": {**LINES, "columns": {"order_key": "receipt", "net_amount": "net"}}},
            "ordered_at: this column is",
        ),
    ],
    ids=["entity misspelled", "no entity", "an entity's name", "no name", "no time and no headers"],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(tmp_path: Path, feeds: dict[str, Any], sentence: str) -> None:
    company = Loading(tmp_path, {"till": {"entities": feeds}})
    company.write("lines_1.csv", SALES)
    with pytest.raises(ConfigError) as refused:
        load_config(tmp_path / "clientela.yml")
        company.load()
    assert sentence in refused.value.sentence
