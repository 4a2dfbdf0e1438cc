"""Views, orders, payments and refunds of one shop are one revenue: one table is taken, the others are told with the reason."""

import sqlite3
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from clientela.onboard.propose import propose

LINES = [(o, line, 10 + (o + line) % 5, 1 + o % 3, 2.5 + line) for o in range(1, 41) for line in range(1, 2 + o % 3)]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sqlite3.Connection:
    """A shop's database: customers, products, lines with day and customer; a test adds what tells the same again."""
    database = sqlite3.connect(tmp_path / "shop.db")
    monkeypatch.setenv("SHOP_DB", "sqlite:///shop.db")
    _table(
        database,
        "customers",
        "customer_id, first_name, email",
        [(n, f"Ana{n}", f"a{n}@x.example") for n in range(1, 16)],
    )
    _table(
        database, "products", "product_id, product_name, category", [(n, f"Thing {n}", "Things") for n in range(10, 15)]
    )
    _table(
        database,
        "order_lines",
        "order_id, line_no, customer_id, product_id, quantity, unit_price, ordered_at",
        [(o, line, o % 15 + 1, p, q, price, f"2025-03-{o % 28 + 1:02d} 10:00:00") for o, line, p, q, price in LINES],
    )
    return database


def _table(database: sqlite3.Connection, name: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
    database.execute(f"create table {name} ({columns})")
    database.executemany(f"insert into {name} values ({', '.join('?' * len(rows[0]))})", rows)


def _total(order: int) -> float:
    return sum(q * price for o, _, _, q, price in LINES if o == order)


def _proposed(database: sqlite3.Connection, folder: Path) -> tuple[str, dict[str, str]]:
    """The proposal's text, and table → entity of what is taken."""
    database.commit()
    text = propose("SHOP_DB", folder).text
    feeds = [
        (feed["database"]["table"], feed.get("entity", name))
        for source in yaml.safe_load(text)["sources"].values()
        for name, feed in source["entities"].items()
    ]
    return text, dict(feeds)


ONCE = {"customers": "customers", "products": "products", "order_lines": "transactions"}


def test_orders_payments_and_views_of_the_lines_are_not_taken_too(shop: sqlite3.Connection, tmp_path: Path) -> None:
    orders = range(1, 41)
    day = lambda o: f"2025-03-{o % 28 + 1:02d} 10:00:00"  # noqa: E731
    _table(
        shop,
        "orders",
        "order_id, customer_id, ordered_at, total_amount",
        [(o, o % 15 + 1, day(o), _total(o)) for o in orders],
    )
    _table(
        shop, "payments", "payment_id, order_id, amount, paid_at, payment_method",
        [(900 + o, o, _total(o), day(o), "card") for o in orders],
    )  # fmt: skip
    _table(
        shop,
        "invoices",
        "invoice_id, order_id, customer_id, invoice_date, total",
        [(70 + o, o, o % 15 + 1, day(o), _total(o)) for o in orders],
    )
    shop.execute(
        "create view sales_report as select order_id, customer_id, product_id, quantity, unit_price, ordered_at, "
        "quantity * unit_price as net_amount from order_lines"
    )
    text, taken = _proposed(shop, tmp_path)
    assert taken == ONCE
    assert (
        "# LEFT OUT: orders: orders of the same sales, which would count twice: 100% of its order_id stand in "
        "order_lines.order_id, and both add up to the same amount." in text
    )
    assert "# LEFT OUT: payments: payments of the same sales" in text
    assert "# LEFT OUT: invoices: invoices of the same sales" in text
    assert "# LEFT OUT: sales_report: a view of the same sales" in text
    assert "#       transactions:" in text, "each as it would be, to be taken in its place"


def test_what_is_said_of_amounts_was_compared(shop: sqlite3.Connection, tmp_path: Path) -> None:
    _table(
        shop,
        "orders",
        "order_id, customer_id, ordered_at, total_amount",
        [(o, o % 15 + 1, "2025-03-01 09:00:00", 3 * _total(o)) for o in range(1, 41)],
    )
    text, taken = _proposed(shop, tmp_path)
    assert taken == ONCE
    assert "# LEFT OUT: orders: orders of the same sales" in text and "add up" not in text


def test_refunds_of_the_lines_are_a_feed_of_returns(shop: sqlite3.Connection, tmp_path: Path) -> None:
    _table(
        shop, "refunds", "refund_id, order_id, customer_id, product_id, quantity, amount, refunded_at, created_at",
        [(5000 + o, o, o % 15 + 1, 10, 1, 2.5, "2025-04-02 10:00:00", "2025-04-02 10:00:00") for o in range(1, 40, 4)],
    )  # fmt: skip
    text, taken = _proposed(shop, tmp_path)
    assert taken == {**ONCE, "refunds": "transactions"}
    (source,) = yaml.safe_load(text)["sources"].values()
    refunds = source["entities"]["refunds"]
    assert refunds["key"] == "refund_id"
    assert refunds["columns"]["is_return"] == {"value": True}
    assert refunds["columns"]["return_of_order_key"] == "order_id"
    assert refunds["columns"]["order_key"] == "refund_id"


def test_two_shops_with_small_numbers_of_their_own_are_two(shop: sqlite3.Connection, tmp_path: Path) -> None:
    _table(
        shop, "till_tickets", "ticket, line, customer_id, product_id, quantity, amount, sold_at",
        [(f"T{n:04d}", 1, n % 15 + 1, 10 + n % 5, 1, 4.25, f"2025-02-{n % 28 + 1:02d} 12:00:00") for n in range(1, 50)],
    )  # fmt: skip
    text, taken = _proposed(shop, tmp_path)
    assert taken == {**ONCE, "till_tickets": "transactions"}
    assert "LEFT OUT" not in text


def test_sales_that_failed_are_left_out_by_where(shop: sqlite3.Connection, tmp_path: Path) -> None:
    shop.execute("alter table order_lines add column status text default 'paid'")
    shop.execute("update order_lines set status = 'cancelled' where order_id % 10 = 3")
    text, _ = _proposed(shop, tmp_path)
    (source,) = yaml.safe_load(text)["sources"].values()
    assert source["entities"]["transactions"]["where"] == "coalesce(status, '') not in ('cancelled')"


def test_rows_that_repeat_are_said_and_numbered(shop: sqlite3.Connection, tmp_path: Path) -> None:
    shop.execute("insert into order_lines select * from order_lines where order_id in (3, 4)")
    repeated = sum(o in (3, 4) for o, *_ in LINES)
    text, _ = _proposed(shop, tmp_path)
    (source,) = yaml.safe_load(text)["sources"].values()
    assert source["entities"]["transactions"]["repeats"] == "number"
    assert f"{repeated} of {len(LINES) + repeated} rows say what another says" in text
    assert "no two of" not in text.partition("transactions:")[2].partition("columns:")[0]


def test_a_key_that_is_not_unique_is_not_called_so(shop: sqlite3.Connection, tmp_path: Path) -> None:
    _table(
        shop,
        "calls",
        "call_id, customer_id, channel, opened_at",
        [(n, n % 15 + 1, "phone", f"2025-01-{n % 28 + 1:02d} 10:00:00") for n in range(1, 501)],
    )
    shop.executemany("update calls set call_id = call_id - 1 where call_id = ?", [(100,), (200,), (300,)])
    text, _ = _proposed(shop, tmp_path)
    line = next(line for line in text.splitlines() if "key: call_id" in line)
    assert "CHECK: of 500 rows 3 share it with another that says something else" in line


def _with_unit(folder: Path, column: str, units: tuple[str, ...]) -> dict[str, Any]:
    """The columns proposed of order lines with such a column."""
    rows = [
        f"{n // 3},{n % 3},{n % 7},{n % 5},{1 + n % 4},{units[n % len(units)]},{n}.50,2025-01-{n % 28 + 1:02d}"
        for n in range(3, 120)
    ]
    header = f"order_id,line_no,customer_id,product_id,quantity,{column},net_amount,order_date"
    (folder / "order_lines.csv").write_text("\n".join([header, *rows]) + "\n")
    (source,) = yaml.safe_load(propose(str(folder), folder).text)["sources"].values()
    columns: dict[str, Any] = source["entities"]["transactions"]["columns"]
    return columns


@pytest.mark.parametrize("column", ["uom", "UoM", "unidad", "unidad_medida", "unit", "Einheit", "Mengeneinheit"])
def test_the_unit_of_a_quantity_is_taken(tmp_path: Path, column: str) -> None:
    columns = _with_unit(tmp_path, column, ("KG", "l", "hora"))
    assert (columns["quantity"], columns["unit_of_measure"]) == ("quantity", column)


def test_pieces_are_no_unit_beside_others(tmp_path: Path) -> None:
    """What is measured in kilos is one item however heavy; of what is counted in pieces each is one."""
    mapped = _with_unit(tmp_path, "unidad", ("kg", "UD", "Stück", "Caja"))["unit_of_measure"]["sql"]
    delivered = [(unit,) for unit in ("kg", "UD", "Stück", "Caja", "UD ", None)]
    with duckdb.connect() as connection:
        connection.execute("create table lines (unidad varchar)")
        connection.executemany("insert into lines values (?)", delivered)
        found = connection.execute(f"select {mapped} from lines").fetchall()
    assert found == [("kg",), *[(None,)] * 5]


@pytest.mark.parametrize(
    ("column", "units"),
    [
        ("unit", ("ud", "pcs")),
        ("business_unit", ("North", "South")),
        ("unit_price", ("1.20", "2.40")),
        ("unit", ("S", "M", "XL")),
    ],
)
def test_what_is_no_measure_is_no_unit(tmp_path: Path, column: str, units: tuple[str, ...]) -> None:
    assert "unit_of_measure" not in _with_unit(tmp_path, column, units)
