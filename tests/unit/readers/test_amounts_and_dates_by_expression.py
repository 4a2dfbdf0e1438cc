"""Amounts in the smallest unit, discounts that are rates, starts that are tenures: what a mapping makes of them."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from reading import feed_of, prepared

from clientela.extract.file_date import file_date
from clientela.load import staging
from clientela.load.context import LoadContext
from clientela.load.landing import DeliveredFile

LANDED = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
SALES = {"order_key": "id", "ordered_at": "at", "product_key": "id", "currency": "currency", "net_amount": "net"}


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with prepared(tmp_path_factory.mktemp("warehouse") / "w.duckdb") as opened:
        opened.execute(
            "insert into exchange_rates_now values ('JPY', date '2026-01-01', 0.006), ('KWD', date '2026-01-01', 3), "
            "('USD', date '2026-01-01', 1)"
        )
        yield opened


@pytest.fixture
def take(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Callable[..., list[tuple[Any, ...]]]:
    (tmp_path / "scratch").mkdir()

    def taken(entity: str, text: str, wanted: str, *, name: str = "x.csv", **settings: Any) -> list[tuple[Any, ...]]:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        source = settings.pop("source", {})
        feed = feed_of(tmp_path, settings, entity, **source)
        file = DeliveredFile(path, path.name, "0", 1, path, landed_at=LANDED)
        context = LoadContext(connection, feed, "run", LANDED, tmp_path / "scratch")
        assert staging.build(context, [file]).quarantined == 0
        found = connection.execute(f"select {wanted}, delivered_sum from staged_rows, batch_files order by source_row")
        return found.fetchall()

    return taken


MINOR = (
    "id,at,currency,net\n1,2026-01-01,EUR,12345\n2,2026-01-01,jpy,12345\n3,2026-01-01,KWD,12345\n4,2026-01-01,,-50\n"
)


def test_amounts_in_the_smallest_unit_are_read_by_the_rows_own_currency(take: Any) -> None:
    rows = take(
        "transactions", MINOR, "source_net_amount, net_amount, gross_amount", columns=SALES, amount_unit="minor"
    )
    assert [row[:3] for row in rows] == [
        (Decimal("123.45"),) * 3,
        (Decimal(12345), Decimal("74.07"), Decimal("74.07")),
        (Decimal("12.345"), Decimal("37.04"), Decimal("37.04")),
        (Decimal("-0.5"),) * 3,
    ]
    assert rows[0][3] == Decimal(12345 * 3 - 50), "the source's own totals are in its own unit"


def test_a_currency_that_no_row_states_tells_the_unit_too(take: Any) -> None:
    columns = {name: column for name, column in SALES.items() if name != "currency"}
    for currency, expected in (("JPY", Decimal(12345)), ("KWD", Decimal("12.345")), ("USD", Decimal("123.45"))):
        settings = {"columns": columns, "amount_unit": "minor", "source": {"currency": currency}}
        assert take("transactions", MINOR, "source_net_amount", **settings)[0][0] == expected


def test_amounts_of_the_companys_own_currency_have_its_unit(take: Any) -> None:
    settings = {"columns": {"unit_cost": "cost"}, "amount_unit": "minor"}
    assert take("products", "id,cost\n1,12345\n2,99999999999\n", "unit_cost", **settings) == [
        (Decimal("123.45"), None), (Decimal("999999999.99"), None)
    ]  # fmt: skip


def test_tax_is_taken_out_of_amounts_in_the_smallest_unit(take: Any) -> None:
    settings = {
        "columns": {**SALES, "tax_rate": {"value": "0.21"}},
        "amount_unit": "minor",
        "source": {"amounts_include_tax": True},
    }
    assert take(
        "transactions", "id,at,currency,net\n1,2026-01-01,EUR,12100\n", "net_amount, tax_amount", **settings
    ) == [(Decimal(100), Decimal(21), Decimal(12100))]


@pytest.mark.parametrize(
    ("style", "lines"),
    [("point", "1,2026-01-01,EUR,14.00,12,0.15\n2,2026-01-01,EUR,9.80,10,0\n"),
     ("comma", '1,2026-01-01,EUR,"14,00",12,"0,15"\n2,2026-01-01,EUR,"9,80",10,0\n')],
)  # fmt: skip
def test_a_discount_may_be_given_as_a_rate(take: Any, style: str, lines: str) -> None:
    columns = {
        **{name: column for name, column in SALES.items() if name != "net_amount"},
        "quantity": "pieces",
        "gross_amount": {"sql": "number(price) * number(pieces)"},
        "discount_amount": {"sql": "number(price) * number(pieces) * number(rate)"},
    }
    settings = {"columns": columns, "source": {"decimal_style": style}}
    text = f"id,at,currency,price,pieces,rate\n{lines}"
    rows = take("transactions", text, "gross_amount, discount_amount, net_amount", **settings)
    assert [row[:3] for row in rows] == [
        (Decimal(168), Decimal("25.2"), Decimal("142.8")), (Decimal(98), Decimal(0), Decimal(98))
    ]  # fmt: skip


TENURE = "date_trunc('month', delivered_on()) - to_months(cast(tenure as integer))"
TELCO = "id,tenure\n1,0\n2,1\n3,72\n"


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        # the file came on 31 January in UTC, on 1 February in Madrid
        ("x.csv", {}, [date(2026, 2, 1), date(2026, 1, 1), date(2020, 2, 1)]),
        ("x_20251130.csv", {"version_by": r"file_date: (\d{8})"}, [date(2025, 11, 1), date(2025, 10, 1), date(2019, 11, 1)]),
    ],
)  # fmt: skip
def test_a_start_may_be_given_as_a_tenure(take: Any, name: str, settings: dict[str, Any], expected: list[date]) -> None:
    columns = {"customer_key": "id", "started_on": {"sql": TENURE}}
    rows = take("contracts", TELCO, "started_on", name=name, columns=columns, **settings)
    assert [row[0] for row in rows] == expected


def test_a_tenure_in_days_is_counted_from_the_delivery(take: Any) -> None:
    columns = {"customer_key": "id", "started_on": {"sql": "delivered_on() - cast(tenure as integer)"}}
    rows = take("contracts", TELCO, "started_on", columns=columns)
    assert [row[0] for row in rows] == [date(2026, 2, 1), date(2026, 1, 31), date(2025, 11, 21)]


def test_a_date_in_the_name_is_the_one_that_orders_versions(tmp_path: Path) -> None:
    feed = feed_of(tmp_path, {"version_by": r"file_date: (\d{8})"})
    assert file_date(feed, "x_20251130.csv") == datetime(2025, 11, 30, tzinfo=UTC)
    assert file_date(feed_of(tmp_path), "x_20251130.csv") is None
