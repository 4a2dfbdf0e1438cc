"""What the columns of a file without a header are, by their values alone."""

import re
from typing import Any

from clientela.onboard.propose.column_profile import ColumnProfile
from clientela.onboard.propose.model import FieldGuess, TableGuess
from clientela.onboard.propose.profile import TableProfile

_MONEY = re.compile(r"-?\d+[.,]\d{2}")


def purchase_log(table: TableProfile) -> TableGuess | None:
    """A log of purchases whose columns have no names: somebody, a day, perhaps how many, and an amount."""
    columns = list(table.columns.values())
    day = next((c for c in columns if c.is_date), None)
    others = [c for c in columns if c is not day and c.given == table.rows]
    amount = _last(c for c in others if _is_money(c))
    buyer = next(
        (c for c in others if c is not amount and c.is_idlike and c.distinct >= 3 and c.distinct * 50 >= table.rows),
        None,
    )
    if day is None or amount is None or buyer is None:
        return None
    guess = TableGuess(table, "transactions", 3.0, None)
    order: Any = [buyer.name, day.name]
    guess.fields["order_key"] = FieldGuess(
        order, buyer.name, 0.6, ["no order is numbered: all of one buyer's day is one"]
    )
    guess.fields["customer_key"] = FieldGuess(
        buyer.name, buyer.name, 0.6, [f"{buyer.distinct:,} different, by its values"]
    )
    guess.fields["ordered_at"] = FieldGuess(day.name, day.name, 0.8, [f"dates {day.format}" if day.format else "dates"])
    counts = [c for c in others if c not in (amount, buyer) and c.is_mostly("integer", 1.0) and 0 < c.high < 1000]
    if counts:
        guess.fields["quantity"] = FieldGuess(
            counts[0].name, counts[0].name, 0.6, ["small whole numbers, by its values"]
        )
    guess.fields["net_amount"] = FieldGuess(amount.name, amount.name, 0.7, ["amounts, by its values"])
    guess.key = [*table.columns]
    guess.notes.append("the file has no header: the columns bear their places; give them names")
    return guess


def _is_money(column: ColumnProfile) -> bool:
    return (
        column.is_number
        and not column.is_date
        and sum(bool(_MONEY.fullmatch(v)) for v in column.values) >= 0.8 * len(column.values)
    )


def _last(columns: Any) -> ColumnProfile | None:
    found = list(columns)
    return found[-1] if found else None
