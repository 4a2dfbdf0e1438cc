"""Customers and products that no table of their own describes: sales repeat them line by line, and so their file gives them.

Only columns that say the same wherever a key stands are theirs: an address to which an order went changes with the order.
Nothing is taken where the company delivers such a table.
"""

import duckdb

from clientela.onboard.propose.guess import Guesser
from clientela.onboard.propose.model import FieldGuess, TableGuess
from clientela.onboard.propose.names import nearness, normalised
from clientela.onboard.propose.spelling import named
from clientela.sql.quoting import quoted
from clientela.wording import counted

_KEYS = {"customers": "customer_key", "products": "product_key"}
#: what products are called beside their name, where a line's text is about its article
_TEXTS = tuple("description item_description descripcion concepto title".split())
#: share of the keys that have one value of a column, from which on it describes what the key names
LEAST_CONSTANT = 0.95


def described_in(
    connection: duckdb.DuckDBPyConnection, guesser: Guesser, guesses: list[TableGuess]
) -> list[TableGuess]:
    """Feeds of customers and of products out of the tables of sales, where no table is taken for such."""
    found = []
    for entity, reference in _KEYS.items():
        if any(guess.entity == entity for guess in guesses):
            continue
        for sale in guesses:
            key = sale.fields.get(reference)
            if (
                sale.entity == "transactions"
                and not sale.left_out
                and not sale.feed
                and key
                and key.mapping == key.column
            ):
                described = _described(connection, guesser, sale, entity, str(key.column))
                if described is not None:
                    found.append(described)
                    sale.refers_to[entity] = described
                    break
    return found


def _described(
    connection: duckdb.DuckDBPyConnection, guesser: Guesser, sale: TableGuess, entity: str, key: str
) -> TableGuess | None:
    table = sale.table
    taken = {str(field.column) for field in sale.fields.values()} | {key} | set(table.of_order)
    fields = guesser.fields(table, entity, taken)
    if entity == "products" and "product_name" not in fields:
        text = max(
            (column for column in table.columns if column not in taken), key=lambda c: nearness(c, _TEXTS), default=None
        )
        if text is not None and nearness(text, _TEXTS) >= 0.9:
            fields["product_name"] = FieldGuess(text, text, 0.7)
    fields = {name: field for name, field in fields.items() if name != "updated_at"}
    if not fields:
        return None
    columns = [str(field.column) for field in fields.values()]
    pairs = ", ".join(f"count(distinct ({quoted(key)}, {quoted(column)}))" for column in columns)
    counts = connection.execute(
        f"select count(distinct {quoted(key)}), count({quoted(key)}), {pairs} from {table.relation} "
        f"where {quoted(key)} is not null"
    ).fetchall()[0]
    keys, given, several = counts[0], counts[1], counts[2:]
    constant = {
        name: field
        for (name, field), pair in zip(fields.items(), several, strict=True)
        if keys and pair <= keys * (2 - LEAST_CONSTANT)
    }
    if not constant or keys == given:
        return None
    result = TableGuess(
        table, entity, sale.score, None, [key], f"{counted(keys, 'key')} in {counted(given, 'row')} of sales"
    )
    result.fields = constant
    for (name, field), pair in zip(fields.items(), several, strict=True):
        if name in constant:
            changing = pair - keys
            field.evidence = [
                f"CHECK: several values of {counted(changing, 'key')}; the last counts"
                if changing
                else "the same wherever a key stands"
            ]
    result.settings["repeats"] = ("last", "sales describe them again and again: the last row of a file counts")
    absent = table.rows - given
    if absent:
        result.settings["where"] = (f"{named(key)} is not null", f"{counted(absent, 'row')} of sales without one")
    result.notes.append(f"read from the same file as the sales, whose {normalised(key)} names them")
    return result
