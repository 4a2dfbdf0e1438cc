"""What a row says of its amounts: a discount makes no return, and what stands on the order is with tax where its lines are."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from clientela.errors import ConfigError
from tests.unit.load.loading import Loading

HEADER = "id,item,pieces,gross,discount,net,shipping,rate,at\n"
COLUMNS = {
    "order_key": "id", "quantity": "pieces", "gross_amount": "gross", "discount_amount": "discount", "net_amount": "net",
    "order_shipping_amount": "shipping", "tax_rate": "rate", "ordered_at": "at",
}  # fmt: skip


def _lines(folder: Path, *rows: str, without: tuple[str, ...] = (), **source: Any) -> Loading:
    columns = {name: column for name, column in COLUMNS.items() if name not in without}
    lines = {"files": "lines.csv", "key": ["id", "item"], "columns": columns}
    company = Loading(folder, {"shop": {"entities": {"transactions": lines}, **source}})
    company.write("lines.csv", HEADER + "".join(f"{row}\n" for row in rows))
    return company


@pytest.mark.parametrize(
    ("row", "without", "is_return", "net"),
    [
        # the whole order's discount on its first line, as a flat file gives it
        ("1,1,1,10.00,40.00,,,,2026-01-05", ("net_amount",), False, -30),
        ("1,1,1,0,5.00,-5.00,,,2026-01-05", (), False, -5),
        ("1,1,,-10.00,,-10.00,,,2026-01-05", (), True, -10),
        ("1,1,-1,10.00,,10.00,,,2026-01-05", (), True, -10),
        # nothing but a negative amount
        ("1,1,1,,,-5.00,,,2026-01-05", (), True, -5),
    ],
)
def test_a_line_is_a_return_by_its_quantity_or_its_price_and_not_by_a_discount(
    tmp_path: Path, row: str, without: tuple[str, ...], is_return: bool, net: int
) -> None:
    company = _lines(tmp_path, row, without=without)
    company.load()
    assert company.rows("select is_return, net_amount from raw.transactions") == [(is_return, net)]


def test_amounts_of_the_order_are_without_tax_as_its_lines_are(tmp_path: Path) -> None:
    company = _lines(tmp_path, "1,1,1,12.10,,12.10,6.05,0.21,2026-01-05", amounts_include_tax=True)
    company.load()
    assert company.rows("select net_amount, tax_amount, order_shipping_amount from raw.transactions") == [
        (10, Decimal("2.1"), 5)
    ]


def test_a_header_with_tax_needs_its_rate(tmp_path: Path) -> None:
    columns = {"ordered_at": "at", "shipping_amount": "shipping"}
    for more in ({}, {"tax_rate": "rate"}):
        headers = {"files": "orders.csv", "key": "id", "columns": {**columns, **more}}
        company = Loading(
            tmp_path / str(len(more)), {"shop": {"entities": {"orders": headers}, "amounts_include_tax": True}}
        )
        company.write("orders.csv", "id,at,shipping,rate\n1,2026-01-05,6.05,0.21\n")
        if more:
            company.load()
            assert company.rows("select shipping_amount from raw.orders") == [(5,)]
        else:
            with pytest.raises(ConfigError, match="tax_rate must be mapped"):
                company.load()
