"""The amounts of an order line: which column is which, and whether they agree with each other in the rows that were looked at."""

import duckdb

from clientela.onboard.propose import words
from clientela.onboard.propose.column_profile import ColumnProfile
from clientela.onboard.propose.model import FieldGuess, TableGuess
from clientela.onboard.propose.names import has_word, normalised
from clientela.onboard.propose.profile import TableProfile
from clientela.onboard.propose.spelling import named, text
from clientela.sql.quoting import quoted

#: words of a column's name that say how its number is to be read
_RATE_WORDS = frozenset("rate pct percent percentage porcentaje tasa".split())
#: a sum within so much of another is the same
_CENT = 0.011
#: columns that only a payment system has: its whole numbers are cents
_PAYMENT_SYSTEM = frozenset("livemode object balance_transaction payment_intent receipt_email".split())
#: share of the rows in which amounts must agree
_MOSTLY = 0.95


def complete_sales(connection: duckdb.DuckDBPyConnection, guess: TableGuess) -> None:
    """Returns by a status, rates in place of amounts, prices times quantities, and amounts that contradict each other."""
    _returns(guess)
    _pieces(guess)
    _rates(guess)
    _prices(guess)
    _minor_units(guess)
    _agreement(connection, guess)
    others = [
        n
        for n in guess.table.columns
        if "disc" in normalised(n).split("_")[0] and n not in {f.column for f in guess.fields.values()}
    ]
    if others and "discount_amount" in guess.fields:
        guess.fields["discount_amount"].evidence.append(f"more columns look like discounts: {', '.join(others)}")


def _returns(guess: TableGuess) -> None:
    fields = guess.fields
    used = {f.column for f in fields.values()}
    for name, profile in guess.table.columns.items():
        if name in used or normalised(name) not in words.STATES or "is_return" in fields:
            continue
        returned = [v for v in profile.values if normalised(v) in words.RETURNED]
        if returned and profile.distinct <= 20:
            listed = ", ".join("'" + value.replace("'", "''") + "'" for value in returned)
            test = f"= {listed}" if len(returned) == 1 else f"in ({listed})"
            fields["is_return"] = FieldGuess(
                {"sql": f"{named(name)} {test}"}, name, 0.7, [f"values {', '.join(profile.values[:4])}"]
            )


def _pieces(guess: TableGuess) -> None:
    """A unit that says pieces is none: what is counted in it are items, however many."""
    found = guess.fields.get("unit_of_measure")
    if found is None or found.column is None:
        return
    profile = guess.table.columns[found.column]
    pieces = sorted(v for v in profile.all_values or profile.values if normalised(v) in words.PIECES)
    if pieces:
        listed = ", ".join(map(text, pieces))
        found.mapping = {
            "sql": f"case when trim({named(found.column)}) not in ({listed}) then {named(found.column)} end"
        }


def _rates(guess: TableGuess) -> None:
    """A discount or a tax that is a share of the amount, not an amount."""
    fields, columns = guess.fields, guess.table.columns
    base = _gross_expression(guess)
    for name in ("discount_amount", "tax_amount", "tax_rate"):
        found = fields.get(name)
        if found is None or found.column is None or not isinstance(found.mapping, str):
            continue
        profile = columns[found.column]
        divisor = _divisor(profile, guess.table)
        if divisor is None:
            continue
        scale = "" if divisor == 1 else f" / {divisor}"
        seen = f"a rate, from {profile.low:g} to {profile.high:g}"
        if name == "tax_rate" and divisor == 1:
            continue
        if name in ("tax_amount", "tax_rate"):
            del fields[name]
            fields.setdefault(
                "tax_rate", FieldGuess({"sql": f"number({named(found.column)}){scale}"}, found.column, 0.7, [seen])
            )
        elif base is not None and "net_amount" not in fields:
            sql = f"round({base} * number({named(found.column)}){scale}, 4)"
            fields[name] = FieldGuess({"sql": sql}, found.column, 0.7, [f"{seen}, of price times quantity"])
        else:
            del fields[name]
            guess.notes.append(
                f"CHECK: {found.column} is {seen}, no amount, so discount_amount is not mapped; "
                f"{fields['net_amount'].column if 'net_amount' in fields else 'the amount'} is taken to be after it"
            )


def _divisor(profile: ColumnProfile, table: TableProfile) -> int | None:
    """1 for shares such as 0.15, 100 for percents such as 15; None where the numbers are amounts."""
    if not profile.is_number or profile.low < 0:
        return None
    greatest = max((c.high for c in table.columns.values() if c.is_mostly("point", 0.3)), default=0.0)
    if 0 < profile.high < 1 and greatest > 1 and profile.distinct <= 50:
        return 1
    is_named = has_word(profile.name, _RATE_WORDS) or "%" in profile.name
    if is_named and profile.high <= 100:
        return 100 if profile.high > 1 else 1
    return None


def _gross_expression(guess: TableGuess) -> str | None:
    """Price of one unit times quantity, as an expression."""
    quantity = guess.fields.get("quantity")
    price = _price(guess)
    if quantity is None or quantity.column is None or price is None:
        return None
    return f"number({named(price)}) * number({named(quantity.column)})"


def _price(guess: TableGuess) -> str | None:
    columns = guess.table.columns
    for word in words.UNIT_PRICES:
        for name, profile in columns.items():
            plain = normalised(name)
            if profile.is_number and (plain == word or plain.removeprefix("lineitem_").removeprefix("item_") == word):
                return name
    return None


def _prices(guess: TableGuess) -> None:
    fields = guess.fields
    if {"net_amount", "gross_amount"} & set(fields):
        return
    sql = _gross_expression(guess)
    if sql is not None:
        fields["gross_amount"] = FieldGuess({"sql": sql}, _price(guess), 0.6, ["price of one unit times quantity"])
    else:
        guess.notes.append("NO AMOUNT FOUND: map net_amount, or gross_amount, or every sale is worth nothing")


def _minor_units(guess: TableGuess) -> None:
    """Amounts in cents, as payment systems keep them."""
    columns = guess.table.columns
    system = {normalised(name) for name in columns} & _PAYMENT_SYSTEM
    for name in ("net_amount", "gross_amount", "discount_amount", "tax_amount"):
        found = guess.fields.get(name)
        if found is None or not isinstance(found.mapping, str):
            continue
        profile = columns[found.mapping]
        is_whole = profile.is_mostly("integer", 1.0)
        if is_whole and (has_word(found.mapping, ("cent", "centimo", "minor")) or len(system) >= 2):
            found.mapping = {"sql": f"number({named(found.mapping)}) / 100"}
            found.evidence.append("whole numbers of a payment system: cents")


def _agreement(connection: duckdb.DuckDBPyConnection, guess: TableGuess) -> None:
    """Gross less discount is net, or gross is left out: it may be with tax, and would be taken for a discount."""
    fields, columns = guess.fields, guess.table.columns
    if not {"gross_amount", "net_amount"} <= set(fields):
        return
    mapped = [fields[name].mapping for name in ("gross_amount", "discount_amount", "net_amount") if name in fields]
    if not all(isinstance(mapping, str) for mapping in mapped):
        return
    gross, net = (number_sql(columns[str(fields[name].mapping)]) for name in ("gross_amount", "net_amount"))
    discount = "0"
    if "discount_amount" in fields:
        discount = f"coalesce({number_sql(columns[str(fields['discount_amount'].mapping)])}, 0)"
    agreeing, compared, positive = connection.execute(
        f"""
        select count(*) filter (abs(gross - abs(discount) - net) < {_CENT}), count(*), count(*) filter (gross - net >= 0)
        from (select {gross} as gross, {discount} as discount, {net} as net from {guess.table.relation})
        where gross is not null and net is not null
        """
    ).fetchall()[0]
    if not compared:
        return
    share = agreeing / compared
    seen = f"gross less discount is net in {agreeing:,} of {compared:,} rows"
    if share >= _MOSTLY:
        fields["net_amount"].evidence.append(seen)
    elif "discount_amount" not in fields and positive >= _MOSTLY * compared and not _has_tax(guess):
        guess.notes.append(
            f"CHECK: what {fields['gross_amount'].column} is above {fields['net_amount'].column} becomes a discount"
        )
    else:
        column = fields.pop("gross_amount").column
        guess.notes.append(f"{column} is not mapped: {seen}, so it may be with tax, or of the whole order")
        if "discount_amount" in fields and "net_amount" in fields:
            guess.notes.append(f"CHECK: {fields['net_amount'].column} is taken to be after the discount")


def amount_sql(guess: TableGuess) -> str | None:
    """The amount of a row of the sample, in SQL; None where none was found."""
    columns = guess.table.columns
    for name in ("net_amount", "gross_amount"):
        found = guess.fields.get(name)
        if found is not None and isinstance(found.mapping, str):
            return number_sql(columns[found.mapping])
    price, quantity = _price(guess), guess.fields.get("quantity")
    if price and quantity and quantity.column:
        return f"{number_sql(columns[price])} * {number_sql(columns[quantity.column])}"
    return None


def _has_tax(guess: TableGuess) -> bool:
    return any(name in guess.fields for name in ("tax_amount", "tax_rate"))


def number_sql(profile: ColumnProfile) -> str:
    """A column of the sample as a number."""
    column = quoted(profile.name)
    if profile.sql_type != "VARCHAR":
        return f"cast({column} as double)"
    is_comma = profile.shapes["comma"] > profile.shapes["point"]
    bare = f"replace(replace({column}, '.', ''), ',', '.')" if is_comma else f"replace({column}, ',', '')"
    return f"try_cast({bare} as double)"
