"""Rates against amounts, prices times quantities, cents, and amounts that contradict each other."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from clientela.onboard.propose import propose


def _sales(folder: Path, header: str, rows: Sequence[Sequence[Any]]) -> tuple[str, dict[str, Any]]:
    """The proposal's text, and the mapping of the one table of sales."""
    lines = [header, *(",".join(map(str, row)) for row in rows)]
    (folder / "order_lines.csv").write_text("\n".join(lines) + "\n")
    text = propose(str(folder), folder).text
    (source,) = yaml.safe_load(text)["sources"].values()
    return text, source["entities"]["transactions"]["columns"]


def _head(n: int) -> tuple[Any, ...]:
    return (f"O{n:04d}", 1, f"c{n % 9}", f"2025-01-{n % 28 + 1:02d}")


def test_a_discount_that_is_a_rate_of_price_times_quantity(tmp_path: Path) -> None:
    rows = [(*_head(n), 14.5 + n, 1 + n % 5, (0, 0.05, 0.1, 0.25)[n % 4]) for n in range(60)]
    _, columns = _sales(tmp_path, "order_id,line,customer_id,order_date,unit_price,quantity,discount", rows)
    assert columns["gross_amount"] == {"sql": "number(unit_price) * number(quantity)"}
    assert columns["discount_amount"] == {"sql": "round(number(unit_price) * number(quantity) * number(discount), 4)"}


def test_a_rate_beside_a_net_amount_is_not_taken_for_money(tmp_path: Path) -> None:
    rows = [(*_head(n), 261.96 + n, 2, (0, 0.2, 0.45, 0.8)[n % 4]) for n in range(60)]
    text, columns = _sales(tmp_path, "order_id,line,customer_id,order_date,sales,quantity,discount", rows)
    assert columns["net_amount"] == "sales" and "discount_amount" not in columns
    assert "CHECK: discount is a rate, from 0 to 0.8, no amount" in text


def test_an_amount_of_discount_stays_one(tmp_path: Path) -> None:
    rows = [(*_head(n), 20 + n, 1.5, 18.5 + n) for n in range(60)]
    text, columns = _sales(tmp_path, "order_id,line,customer_id,order_date,gross,discount,net", rows)
    assert columns["discount_amount"] == "discount"
    assert "gross less discount is net in 60 of 60 rows" in text


def test_a_percentage_of_tax_is_a_tax_rate(tmp_path: Path) -> None:
    rows = [(*_head(n), 20.5 + n, (4, 10, 21)[n % 3]) for n in range(60)]
    _, columns = _sales(tmp_path, "order_id,line,customer_id,order_date,net,iva_pct", rows)
    assert columns.get("tax_rate") in ({"sql": "number(iva_pct) / 100"},)
    assert "tax_amount" not in columns


def test_a_gross_amount_with_tax_does_not_become_a_discount(tmp_path: Path) -> None:
    rows = [(*_head(n), 1.21 * (20 + n), 20 + n, 0.21 * (20 + n)) for n in range(60)]
    text, columns = _sales(tmp_path, "order_id,line,customer_id,order_date,gross_amount,net_amount,tax_amount", rows)
    assert "gross_amount" not in columns and columns["net_amount"] == "net_amount"
    assert "gross_amount is not mapped: gross less discount is net in 0 of 60 rows" in text


def test_cents_are_read_as_cents(tmp_path: Path) -> None:
    rows = [(*_head(n), 1999 + n) for n in range(60)]
    _, columns = _sales(tmp_path, "order_id,line,customer_id,order_date,amount_cents", rows)
    assert columns["net_amount"] == {"sql": "number(amount_cents) / 100"}
