"""Which tables tell the same sales: lines, orders, invoices, payments, refunds and views of one shop are one revenue, not five.

Two tables are of one shop where values that name a sale stand in both. Of such tables one is chosen, the one that tells most:
lines before orders, orders before invoices, these before payments, a table before a view of it. The others are told with the
reason.
"""

from dataclasses import dataclass

import duckdb

from clientela.onboard.propose import words
from clientela.onboard.propose.amounts import amount_sql
from clientela.onboard.propose.column_profile import ColumnProfile
from clientela.onboard.propose.model import TableGuess
from clientela.onboard.propose.names import has_word, nearness, normalised

#: kinds of tables of sales, the better first, with words of their names; what has none is told by its columns
KINDS = ("lines", "orders", "invoices", "payments", "refunds")
_PAYMENTS = frozenset("payment pago cobro payout tender balance intent".split())
_CHARGES = frozenset("charge transaction".split())
_INVOICES = frozenset("invoice factura bill".split())
#: columns that a payment has and a sale has not
_PAYMENT_COLUMNS = frozenset(
    "gateway authorization payment_method payment_method_id payment_type avs_result_code payout_id fee credit_card_company "
    "card_brand last4 charge_id payment_intent auth_code".split()
)
#: fields whose values name something else than a sale
_OTHER_KEYS = ("customer_key", "product_key", "campaign_key", "store_key", "line_key", "coupon", "currency")
#: share of the fewer values that must stand in the other table
_SHARED = 0.6


@dataclass
class Sameness:
    """Why a table tells what another one tells: `share` of its values of `column` stand in the other's `other_column`."""

    other: TableGuess
    column: str
    other_column: str
    share: float


def kind_of(guess: TableGuess) -> str:
    """What a table of sales is a list of."""
    name, columns = guess.table.name, {normalised(column) for column in guess.table.columns}
    if has_word(name, words.REFUNDS):
        return "refunds"
    if has_word(name, _PAYMENTS) or (has_word(name, _CHARGES) and columns & _PAYMENT_COLUMNS):
        return "payments"
    if _has_lines(guess):
        return "lines"
    return "invoices" if has_word(name, _INVOICES) else "orders"


def _has_lines(guess: TableGuess) -> bool:
    """Its rows are of a product, or there are several of one order."""
    if "product_key" in guess.fields or ("quantity" in guess.fields and "line_key" in guess.fields):
        return True
    order = guess.fields.get("order_key")
    column = guess.table.columns.get(str(order.column)) if order else None
    return column is not None and column.distinct * 1.05 < column.given and "quantity" in guess.fields


@dataclass
class Group:
    """Tables of one shop's sales, with what was found in pairs of them."""

    tables: list[TableGuess]
    found: dict[tuple[int, int], Sameness]

    def sameness(self, guess: TableGuess, chosen: TableGuess) -> Sameness:
        """Why the table tells what the chosen one tells, or else what a third one tells that tells it too."""
        direct = self.found.get((id(guess), id(chosen)))
        return direct or next(same for (mine, _), same in self.found.items() if mine == id(guess))


def groups(guesses: list[TableGuess]) -> list[Group]:
    """The tables of sales by shop; a group of one is a table that tells its sales alone."""
    all_sales = [g for g in guesses if g.entity == "transactions"]
    found: dict[tuple[int, int], Sameness] = {}
    for guess in all_sales:
        for other in all_sales:
            if guess is not other and (same := sameness(guess, other)) is not None:
                found[id(guess), id(other)] = same
    parted: list[list[TableGuess]] = []
    for guess in all_sales:
        near = [group for group in parted if any((id(guess), id(other)) in found for other in group)]
        merged = [*(member for group in near for member in group), guess]
        parted = [group for group in parted if all(group is not n for n in near)] + [merged]
    return [Group(tables, found) for tables in parted]


def rank(guess: TableGuess) -> tuple[int, bool, bool, float, int]:
    """The less, the more the table tells of a sale."""
    is_charge = has_word(guess.table.name, _CHARGES)
    return KINDS.index(kind_of(guess)), guess.table.is_view, not is_charge, -guess.score, -guess.table.rows


def sameness(guess: TableGuess, other: TableGuess) -> Sameness | None:
    """The columns by which both tables name the same sales, if there are any."""
    best: Sameness | None = None
    for name, column in naming_columns(guess).items():
        for other_name, other_column in naming_columns(other).items():
            if not _could_be_one(guess, name, other, other_name):
                continue
            shared = _shared(column, other_column)
            if shared < _SHARED * min(column.distinct, other_column.distinct):
                continue
            share = shared / column.distinct
            if best is None or share > best.share:
                best = Sameness(other, name, other_name, share)
    return best


def naming_columns(guess: TableGuess) -> dict[str, ColumnProfile]:
    """Columns whose values could name a sale."""
    others = {f.column for name in _OTHER_KEYS if (f := guess.fields.get(name)) is not None}
    return {
        name: column
        for name, column in guess.table.columns.items()
        if name not in others and column.is_idlike and column.distinct >= 3 and column.all_values is not None
        and column.distinct * 20 >= column.given
    }  # fmt: skip


def _shared(column: ColumnProfile, other: ColumnProfile) -> int:
    return len((column.all_values or frozenset()) & (other.all_values or frozenset()))


def _could_be_one(guess: TableGuess, name: str, other: TableGuess, other_name: str) -> bool:
    """Whether the two columns may name one thing: small numbers alone stand in any table, so their names must agree."""
    plain, other_plain = normalised(name), normalised(other_name)
    columns = guess.table.columns[name], other.table.columns[other_name]
    is_coded = not any(c.is_mostly("integer") for c in columns)
    orders = words.FIELDS["transactions"]["order_key"]
    are_orders = [
        nearness(column, orders) >= 0.5 or (g.fields.get("order_key") is not None and g.fields["order_key"].column == column)
        for g, column in ((guess, name), (other, other_name))
    ]  # fmt: skip
    if plain == other_plain:
        return plain != "id" and (is_coded or all(are_orders))
    if all(are_orders):
        return True
    if is_coded:
        return any(are_orders) or any(g.key == [c] for g, c in ((guess, name), (other, other_name)))
    # charges.id and refunds.charge_id, payments.order and orders.id
    return any(
        theirs == "id" and has_word(mine, frozenset({_singular(table.table.name)}))
        for mine, theirs, table in ((plain, other_plain, other), (other_plain, plain, guess))
    )


def _singular(name: str) -> str:
    plain = normalised(name).split("_")[-1]
    return plain.removesuffix("s")


def reason(connection: duckdb.DuckDBPyConnection, guess: TableGuess, same: Sameness) -> str:
    """The sentence about a table of sales that is left out."""
    sentence = f"{same.share:.0%} of its {same.column} stand in {same.other.table.name}.{same.other_column}"
    mine, theirs = (_total(connection, g) for g in (guess, same.other))
    if mine is not None and theirs is not None and theirs and abs(mine - theirs) <= 0.01 * abs(theirs):
        sentence += ", and both add up to the same amount"
    kind = "a view of" if guess.table.is_view else kind_of(guess) + " of"
    return f"{kind} the same sales, which would count twice: {sentence}"


def _total(connection: duckdb.DuckDBPyConnection, guess: TableGuess) -> float | None:
    sql = amount_sql(guess)
    if sql is None:
        return None
    total = connection.execute(f"select sum({sql}) from {guess.table.relation}").fetchall()[0][0]
    return None if total is None else float(total)
