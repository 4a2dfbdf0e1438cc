"""Headers and lines in two files, discounts and shipping of the whole order, refunds in a file of their own: files to marts.

Two nights of one shop, without the gate. The second brings what the first lacked, and corrects or withdraws what it had; no
line is delivered again.
"""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
import yaml

from clientela.load import loader
from clientela.pipeline.open_run import open_run
from tests.conftest import NOW, Company

HEADERS = "order,customer,channel,placed,discount,shipping,fee,status,changed\n"
LINES = "order,item,product,pieces,gross\n"
SETTINGS: dict[str, Any] = {
    "company": "Post shop",
    "currency": "EUR",
    "time_zone": "Europe/Madrid",
    "data_folder": "data",
    "reference_folder": "reference",
    "sources": {
        "post": {
            "entities": {
                "orders": {
                    "files": "orders_*.csv",
                    "key": "order",
                    "where": "status <> 'void'",
                    "columns": {
                        "customer_key": "customer", "channel": "channel", "ordered_at": "placed", "status": "status",
                        "discount_amount": "discount", "shipping_amount": "shipping", "fee_amount": {"sql": "-number(fee)"},
                        "updated_at": "changed",
                    },
                },
                "transactions": {
                    "files": "lines_*.csv",
                    "key": ["order", "item"],
                    "columns": {
                        "order_key": "order", "line_key": "item", "product_key": "product", "quantity": "pieces",
                        "gross_amount": "gross",
                    },
                },
                "refunds": {
                    "entity": "transactions",
                    "files": "refunds_*.csv",
                    "key": "refund",
                    "columns": {
                        "order_key": "refund", "return_of_order_key": "order", "net_amount": {"sql": "-number(amount)"},
                        "ordered_at": "at",
                    },
                },
                # numbers of its own, and no word of the sale
                "credits": {
                    "entity": "transactions",
                    "files": "credits_*.csv",
                    "key": "credit",
                    "columns": {
                        "order_key": "credit", "customer_key": "customer", "net_amount": "amount",
                        "is_return": {"value": True}, "ordered_at": "at",
                    },
                },
            }
        },
        # a flat file that gives what the order has on its first line, or repeats it on each
        "flat": {
            "entities": {
                "transactions": {
                    "files": "flat_*.csv",
                    "key": ["name", "item"],
                    "columns": {
                        "order_key": "name", "line_key": "item", "customer_key": "customer", "quantity": "pieces",
                        "gross_amount": "gross", "order_discount_amount": "discount", "order_shipping_amount": "shipping",
                        "ordered_at": "placed",
                    },
                }
            }
        },
    },
}  # fmt: skip

Ask = Callable[[str], list[tuple[Any, ...]]]


def take_night(company: Company, days: int) -> list[str]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(loader, "validate", lambda *_: [])
        with open_run(company.config, now=NOW + timedelta(days=days)) as run:
            run.load_all()
            run.set_context()
            run.transform()
    return run.notices


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    made = Company(tmp_path_factory.mktemp("post"))
    made.config_path.write_text(yaml.safe_dump(SETTINGS, sort_keys=False), encoding="utf-8")
    made.write("reference/margin_rates.csv", "department,category,margin_rate,is_assumed\n,,0.4,false\n")
    made.write(
        "orders_1.csv",
        HEADERS
        + "1,ana,web,2026-01-05 10:00,10.00,4.90,0.30,paid,2026-01-05 10:00\n"
        + "2,ben,web,2026-01-06 10:00,0,,,paid,2026-01-06 10:00\n"
        + "3,ana,web,2026-01-07 10:00,,,,void,2026-01-07 10:00\n"
        + "5,ben,web,2026-01-09 10:00,40.00,,,paid,2026-01-09 10:00\n",
    )
    # order 4 has no header yet, order 3 is void; a discount takes more than the only line of order 5 brings
    made.write(
        "lines_1.csv",
        LINES
        + "1,1,p,1,9.00\n1,2,q,1,9.00\n1,3,r,1,9.00\n2,1,p,2,20.00\n3,1,p,1,5.00\n4,1,q,1,7.00\n4,2,r,1,1.00\n5,1,q,1,30.00\n",
    )
    made.write("refunds_1.csv", "refund,order,amount,at\n1,1,9.00,2026-02-01 10:00\n")
    # credit 2 is not order 2, which is ben's, and there is no order 99
    made.write(
        "credits_1.csv", "credit,customer,amount,at\n2,ana,2.00,2026-02-02 10:00\n99,eva,1.50,2026-02-02 10:00\n"
    )
    made.write(
        "flat_1.csv",
        "name,item,customer,pieces,gross,discount,shipping,placed\n"
        "#1,1,eva,1,10.00,5.00,3.00,2026-01-10\n#1,2,eva,1,30.00,,,2026-01-10\n"
        "#2,1,eva,1,1.00,0.10,,2026-01-11\n#2,2,eva,1,1.00,0.10,,2026-01-11\n#2,3,eva,1,1.00,0.10,,2026-01-11\n",
    )
    take_night(made, 0)
    return made


@pytest.fixture(scope="module")
def first(company: Company) -> dict[str, list[tuple[Any, ...]]]:
    return _contents(company)


@pytest.fixture(scope="module")
def second(company: Company, first: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """Order 4's header comes; order 1's customer and discount are corrected; order 2 is void. No line comes again."""
    company.write(
        "orders_2.csv",
        HEADERS
        + "4,eva,app,2026-01-08 10:00,1.00,,,paid,2026-01-08 10:00\n"
        + "1,ben,web,2026-01-05 10:00,5.00,4.90,0.30,paid,2026-02-03 10:00\n"
        + "2,ben,web,2026-01-06 10:00,0,,,void,2026-02-03 10:00\n",
    )
    take_night(company, 1)
    return _contents(company)


def _contents(company: Company) -> dict[str, list[tuple[Any, ...]]]:
    """What the marts tell, by subject."""
    with duckdb.connect(str(company.config.warehouse), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        queries = {
            "orders": """
                select orders.source, order_key, customer_key, channel, is_return, orders.net_amount, sales_discount_amount,
                    orders.shipping_amount, orders.fee_amount
                from value.orders join (
                    select order_id, any_value(customer_key) as customer_key from value.order_lines group by 1
                ) using (order_id) order by all""",
            "lines": """
                select order_key, line_key, ordered_on, net_amount, discount_amount, order_discount_amount, shipping_amount,
                    is_return from value.order_lines order by source desc, order_key, line_key""",
            "ledger": """
                select component, sum(amount) from value.value_ledger
                where component in ('revenue', 'discounts', 'returns', 'shipping', 'fees') group by 1 order by 1""",
            "value": """
                select sum(net_revenue), sum(shipping_amount), sum(fee_amount), sum(realised_value)
                from value.customer_value""",
            "reconciliation": """
                select compared_with, component, amount from quality.value_reconciliation
                where compared_with like '%waiting_for_header' order by all""",
            "differing": "select * from quality.value_reconciliation where difference <> 0",
            "customers": """
                select customer_key from customer.customer_records where customer_key is not null order by 1""",
        }
        return {subject: connection.execute(query).fetchall() for subject, query in queries.items()}


def test_lines_without_a_header_wait_and_are_counted(first: dict[str, list[tuple[Any, ...]]]) -> None:
    assert {row[:2] for row in first["orders"] if not row[4]} == {
        ("post", "1"), ("post", "2"), ("post", "5"), ("flat", "#1"), ("flat", "#2")
    }  # fmt: skip
    assert first["reconciliation"] == [
        ("amount waiting_for_header", "transactions", Decimal(13)),
        ("lines waiting_for_header", "transactions", Decimal(3)),
    ]


def test_an_orders_discount_is_spread_to_the_cent_and_shipping_stands_beside_it(
    first: dict[str, list[tuple[Any, ...]]],
) -> None:
    lines = {(row[0], row[1]): row[2:] for row in first["lines"] if not row[-1]}
    shares = [lines["1", str(n)][3] for n in (1, 2, 3)]
    assert sorted(shares) == [Decimal("3.33"), Decimal("3.33"), Decimal("3.34")]
    assert [lines["1", str(n)][1] for n in (1, 2, 3)] == [Decimal(9) - share for share in shares]
    assert sum(lines["1", str(n)][4] for n in (1, 2, 3)) == Decimal("4.90")
    assert [lines["#1", n][3] for n in "12"] == [Decimal("1.25"), Decimal("3.75")]
    assert sorted(lines["#2", n][3] for n in "123") == [Decimal("0.03"), Decimal("0.03"), Decimal("0.04")]


def test_a_line_that_a_discount_takes_below_nothing_is_no_return(first: dict[str, list[tuple[Any, ...]]]) -> None:
    ((*_, net, discount, order_discount, _, is_return),) = [row for row in first["lines"] if row[0] == "5"]
    assert (net, discount, order_discount, is_return) == (Decimal(-10), Decimal(40), Decimal(40), False)


def test_a_refund_of_a_file_of_its_own_reaches_its_sale_and_its_customer(
    first: dict[str, list[tuple[Any, ...]]],
) -> None:
    refunds = [row for row in first["lines"] if row[-1] and row[3] == -9]
    assert [(row[0], row[2], row[3]) for row in refunds] == [("1", date(2026, 2, 1), Decimal(-9))]
    # refund 1 is no line of order 1: it would be a sale of January otherwise
    assert ("post", "1", "ana", "web", False, Decimal(17), Decimal(10), Decimal("4.90"), Decimal("-0.30")) in first[
        "orders"
    ]


def test_a_return_that_names_no_sale_is_its_own_customer_s_and_waits_for_no_header(
    first: dict[str, list[tuple[Any, ...]]],
) -> None:
    returns = {row[1]: row[2:6] for row in first["orders"] if row[4] and row[1] != "1"}
    assert returns == {"2": ("ana", None, True, Decimal(-2)), "99": ("eva", None, True, Decimal("-1.50"))}
    assert ("post", "2", "ben", "web", False, Decimal(20)) in [row[:6] for row in first["orders"]]


def test_shipping_and_fees_are_components_of_their_own(first: dict[str, list[tuple[Any, ...]]]) -> None:
    assert dict(first["ledger"]) == {
        "revenue": Decimal(27 + 20 + 30 + 40 + 3),
        "discounts": -Decimal("10") - 40 - 5 - Decimal("0.10"),
        "returns": Decimal("-12.50"),
        "shipping": Decimal("7.90"),
        "fees": Decimal("-0.30"),
    }
    assert first["value"][0][:3] == (Decimal("52.40"), Decimal("7.90"), Decimal("-0.30"))
    # what it costs: 60 % of what the lines bring, after discounts
    assert first["value"][0][3] == Decimal("52.40") - Decimal("0.6") * Decimal("52.40") + Decimal("7.60")


def test_everything_reconciles_to_the_cent(
    first: dict[str, list[tuple[Any, ...]]], second: dict[str, list[tuple[Any, ...]]]
) -> None:
    assert first["differing"] == second["differing"] == []


def test_a_header_that_comes_is_corrected_or_is_void_changes_its_lines_without_their_delivery(
    second: dict[str, list[tuple[Any, ...]]],
) -> None:
    orders = {row[1]: row for row in second["orders"] if row[0] == "post" and not row[4]}
    assert sorted(orders) == ["1", "4", "5"], "order 2 is void"
    assert orders["4"][2:7] == ("eva", "app", False, Decimal(7), Decimal(1))
    assert orders["1"][2] == "ben" and orders["1"][6] == Decimal(5)
    refunds = [row for row in second["lines"] if row[-1] and row[0] == "1"]
    assert refunds[0][3] == Decimal(-9)
    assert second["reconciliation"] == [
        ("amount waiting_for_header", "transactions", Decimal(25)),
        ("lines waiting_for_header", "transactions", Decimal(2)),
    ]


def test_the_refund_follows_its_sale_to_another_customer(
    company: Company, second: dict[str, list[tuple[Any, ...]]]
) -> None:
    assert company.warehouse(
        "select distinct customer_key from value.order_lines where is_return and order_key = '1'"
    ) == [("ben",)]
