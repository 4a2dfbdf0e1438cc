"""What a row says of its amounts: a discount makes no return, and what stands on the order is with tax where its lines are."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from clientela.config.read import load_config
from clientela.errors import ConfigError
from clientela.extract.feeds import feeds_of
from clientela.load import loader
from clientela.load.context import LoadContext
from clientela.load.staging import prepare_rates
from tests.unit.load.loading import NOW, Loading

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


def _found(company: Loading, name: str) -> list[float | None]:
    """What the gate measured in each batch of lines."""
    found: list[float | None] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(loader, "validate", lambda connection, _: found.append(_metric(connection, name)) or [])
        for feed in feeds_of(load_config(company.folder / "clientela.yml")):
            prepare_rates(company.connection)
            loader.load_feed(LoadContext(company.connection, feed, "run", NOW))
    return found


def _metric(connection: duckdb.DuckDBPyConnection, name: str) -> float | None:
    ((value,),) = connection.execute(f"select {name} from batch_metrics").fetchall()
    return value  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("shipping", "not_taken"),
    [
        (("5.99", "3.49"), 3.49),
        (("5.99", "3.49", "3.49"), 6.98),
        (("-2", "-3", "0"), 2),
        (("5.99", "5.99"), 0),
        (("", "5.99", "0"), 0),
    ],
)
def test_lines_that_contradict_each_other_on_their_order_are_told_with_the_amount(
    tmp_path: Path, shipping: tuple[str, ...], not_taken: float
) -> None:
    rows = [f"1,{n},1,10.00,,,{amount},0.{n},2026-01-05" for n, amount in enumerate(shipping)]
    # other lines with another rate of tax: what is compared is what was delivered
    company = _lines(tmp_path, *rows, "2,1,1,5,,,1,0.1,2026-01-05", without=("net_amount",), amounts_include_tax=True)
    assert _found(company, "order_amounts_not_taken") == [pytest.approx(not_taken)]


@pytest.mark.parametrize(("amounts", "turned"), [(("5", "3"), 0), (("-5", "-3"), 0), (("5", "3", "-1"), 1)])
def test_returns_of_both_signs_are_told_and_all_count_as_negative(
    tmp_path: Path, amounts: tuple[str, ...], turned: int
) -> None:
    columns = {"order_key": "id", "net_amount": "net", "ordered_at": "at", "is_return": {"value": True}}
    returns = {"files": "lines.csv", "key": ["id", "item"], "columns": columns}
    company = Loading(tmp_path, {"shop": {"entities": {"transactions": returns}}})
    company.write("lines.csv", HEADER + "".join(f"{n},1,,,,{net},,,2026-01-05\n" for n, net in enumerate(amounts)))
    assert _found(company, "returns_of_other_sign") == [turned]
    company.load()
    assert company.rows("select count(*) from raw.transactions where net_amount >= 0") == [(0,)]
