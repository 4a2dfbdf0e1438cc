"""Lines that wait for their order's header are told by feed, with their amount; returns of a feed of their own wait for none."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from clientela.config.read import load_config
from clientela.errors import ConfigError
from clientela.pipeline.open_run import open_run
from clientela.pipeline.waiting_lines import lines_waiting
from tests.conftest import NOW, Company
from tests.unit.load.loading import Loading

HEADERS: dict[str, Any] = {
    "files": "orders_*.csv", "key": "id", "where": "status <> 'void'",
    "columns": {"customer_key": "customer", "ordered_at": "at", "updated_at": "at"},
}  # fmt: skip
LINES: dict[str, Any] = {
    "files": "lines_*.csv", "key": ["id", "item"], "columns": {"order_key": "id", "line_key": "item", "net_amount": "net"},
}  # fmt: skip
WEB_LINES: dict[str, Any] = {**LINES, "entity": "transactions", "files": "web_*.csv"}
CREDITS: dict[str, Any] = {
    "entity": "transactions", "files": "credits_*.csv", "key": "credit",
    "columns": {
        "order_key": "credit", "customer_key": "customer", "net_amount": "amount", "is_return": {"value": True},
        "ordered_at": "at",
    },
}  # fmt: skip


def _company(folder: Path, **more: Any) -> Loading:
    feeds = {"orders": HEADERS, "transactions": LINES, "web": WEB_LINES, "credits": CREDITS} | more
    company = Loading(folder, {"shop": {"entities": feeds}})
    company.write("orders_1.csv", "id,customer,at,status\n17,ben,2026-01-05 10:00,paid\n18,ana,2026-01-05 11:00,paid\n")
    company.write("lines_1.csv", "id,item,net\n17,1,10.00\n18,1,4.00\n18,2,1.00\n")
    company.write("web_1.csv", "id,item,net\n90,1,7.00\n")
    company.write(
        "credits_1.csv", "credit,customer,amount,at\n17,ana,2.00,2026-01-07 10:00\n99,ana,3.00,2026-01-07 10:00\n"
    )
    return company


def _waiting(company: Loading) -> list[tuple[str, int, Decimal]]:
    found = lines_waiting(company.connection, load_config(company.folder / "clientela.yml"))
    return [(waiting.feed, waiting.lines, waiting.amount) for waiting in found]


def test_what_waits_is_told_by_feed_and_a_void_header_is_none(tmp_path: Path) -> None:
    company = _company(tmp_path)
    company.load()
    assert _waiting(company) == [("web", 1, Decimal(7))]
    company.write("orders_2.csv", "id,customer,at,status\n90,ana,2026-01-08 10:00,paid\n18,ana,2026-01-08 11:00,void\n")
    company.load()
    assert _waiting(company) == [("transactions", 2, Decimal(5))]


def test_return_17_is_not_sale_17_where_it_says_itself_whose_it_is_and_when(tmp_path: Path) -> None:
    company = _company(tmp_path)
    company.load()
    assert company.rows(
        "select order_key, count(distinct order_id) from raw.transactions where order_key in ('17', '99') group by 1 order by 1"
    ) == [("17", 2), ("99", 1)]


def test_a_return_that_takes_its_customer_from_the_sale_s_header_is_of_that_order(tmp_path: Path) -> None:
    columns = {name: column for name, column in CREDITS["columns"].items() if name != "customer_key"}
    company = _company(tmp_path, credits={**CREDITS, "columns": columns})
    company.load()
    assert company.rows("select count(distinct order_id) from raw.transactions where order_key = '17'") == [(1,)]
    assert _waiting(company) == [("web", 1, Decimal(7)), ("credits", 1, Decimal(-3))]


def test_returns_with_numbers_of_their_own_must_state_their_day(tmp_path: Path) -> None:
    columns = {"order_key": "credit", "return_of_order_key": "credit", "net_amount": "amount"}
    company = _company(tmp_path, credits={**CREDITS, "columns": columns})
    with pytest.raises(ConfigError, match="ordered_at"):
        company.load()


def test_a_run_says_what_waits(shop: Company) -> None:
    shop.write("heads.csv", "receipt,customer,at\n1,a,2026-01-05 10:00:00\n3,b,2026-02-02 09:00:00\n")
    shop.change(
        lambda s: s["sources"]["till"]["entities"].update(
            orders={"files": "heads.csv", "key": "receipt", "columns": {"customer_key": "customer", "ordered_at": "at"}}
        )
    )
    with open_run(shop.config, now=NOW) as run:
        run.load_all()
        run.set_context()
        assert run.notices[-1:] == [
            "till.transactions: warning waiting_for_header: 1 line, 2.00 EUR, waits for the header of its order "
            "and is in no mart until it comes."
        ]
