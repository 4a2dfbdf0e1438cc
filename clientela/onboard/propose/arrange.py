"""What the guessed tables are to each other: which are taken, which tell the same again, which are heads, lines or refunds.

Each table was guessed for itself (`guess`). Here tables are left out with a reason, become a feed beside another one, or give a
second entity; nothing is loaded, and nothing is written down.
"""

import duckdb

from clientela.contracts import ENTITIES
from clientela.onboard.propose import sales, words
from clientela.onboard.propose.amounts import number_sql
from clientela.onboard.propose.column_profile import ColumnProfile
from clientela.onboard.propose.flat import described_in
from clientela.onboard.propose.guess import Guesser
from clientela.onboard.propose.model import FieldGuess, TableGuess
from clientela.onboard.propose.names import has_word, nearness, normalised
from clientela.onboard.propose.spelling import named, text
from clientela.onboard.propose.wide import consent_of, contract_of
from clientela.sql.quoting import quoted
from clientela.wording import counted

#: names of tables that may hold customers or anybody
_VAGUE = frozenset("user usuario people persona account contact".split())
#: columns that say what became of a sale, and the values that say that it never was one
_STATES = tuple("financial_status payment_status order_status status estado state situacion".split())
_NEVER = frozenset(
    "failed fail failure void voided cancelled canceled anulado anulada cancelado cancelada rechazado rechazada declined "
    "requires_payment_method requires_action requires_confirmation expired error fallido fallida trash draft borrador "
    "abandoned test".split()
)
_CANCELLED = tuple("cancelled_at canceled_at voided_at cancelled_on fecha_cancelacion fecha_anulacion".split())
_TESTS = tuple("test is_test test_mode prueba es_prueba".split())
#: fields of an order that its lines may have too
_HEAD_AMOUNTS = ("discount_amount", "shipping_amount", "fee_amount", "tax_amount")


def arranged(connection: duckdb.DuckDBPyConnection, guesser: Guesser) -> list[TableGuess]:
    """Every guess: those with `left_out` are told, the others taken."""
    guesses = guesser.guesses
    _leave_unreferred(guesses)
    _part_sales(connection, guesser)
    for guess in [g for g in guesses if not g.left_out]:
        _leave_failed_out(guess)
        _count_repeats(guess)
    _join_by_email(guesses)
    for guess in [g for g in guesses if not g.left_out]:
        guesses += [found for found in (contract_of(guess), consent_of(guess)) if found is not None]
    return guesses + described_in(connection, guesser, guesses)


def _leave_unreferred(guesses: list[TableGuess]) -> None:
    """Of several tables of customers, or of products, in one place those that nothing names are told and not taken."""
    for entity in ("customers", "products"):
        held = [g for g in guesses if g.entity == entity]
        referred = {id(g.refers_to[entity]) for g in guesses if entity in g.refers_to and g is not g.refers_to[entity]}
        for guess in held:
            homes = [g for g in held if id(g) in referred and g.table.folder == guess.table.folder]
            is_named = nearness(guess.table.name, words.FILES[entity]) >= 0.9 and not has_word(guess.table.name, _VAGUE)
            if homes and id(guess) not in referred and not (is_named and entity == "customers"):
                home = homes[0].table.name
                guess.left_out = f"no other table names its {guess.key[0]}; the {entity} that they name are in {home}"


def _part_sales(connection: duckdb.DuckDBPyConnection, guesser: Guesser) -> None:
    """One table of each sale, with the heads of its orders and its refunds beside it."""
    guesses = guesser.guesses
    for group in sales.groups([g for g in guesses if not g.left_out]):
        chosen = min(group.tables, key=sales.rank)
        heads = [g for g in group.tables if g is not chosen and sales.kind_of(g) == "orders"]
        if not heads and "ordered_at" not in chosen.fields:
            # lines of invoices have their day on the invoice
            heads = [g for g in group.tables if g is not chosen and sales.kind_of(g) == "invoices"]
        head = None
        if heads and sales.kind_of(chosen) == "lines":
            orders = min(heads, key=sales.rank)
            head = _head_of(connection, guesser, chosen, orders, group.sameness(orders, chosen))
        for guess in group.tables:
            if guess is chosen:
                continue
            same = group.sameness(guess, chosen)
            if sales.kind_of(guess) == "refunds" and _is_refund_feed(guess, chosen, same):
                continue
            if head is not None and guess.table is head.table:
                guesses.remove(guess)
                guesses.append(head)
            else:
                guess.left_out = sales.reason(connection, guess, same)
    for guess in [g for g in guesses if g.entity == "transactions" and not g.left_out]:
        own = _own_head(guesser, guess)
        if own is not None:
            guesses.append(own)


def _head_of(
    connection: duckdb.DuckDBPyConnection, guesser: Guesser, lines: TableGuess, orders: TableGuess, same: sales.Sameness
) -> TableGuess | None:
    """The orders whose lines are taken, where they tell what lines do not: the customer, the time, amounts of the order."""
    line_order = lines.fields.get("order_key")
    if (
        "orders" not in ENTITIES
        or line_order is None
        or not isinstance(line_order.mapping, str)
        or same.other is not lines
    ):
        return None
    head = guesser.heads(orders.table, same.column)
    line_order.mapping = line_order.column = same.other_column
    head.key_evidence = f"{same.share:.0%} of its values stand in {lines.table.name}.{same.other_column}"
    for name in _HEAD_AMOUNTS:
        _leave_to_lines(connection, head, lines, name)
    on_head = {name for name in ("customer_key", "ordered_at") if name in head.fields and name not in lines.fields}
    if not on_head and not {*_HEAD_AMOUNTS, "status"} & set(head.fields):
        return None
    lines.has_heads = True
    if "customer_key" in head.fields and "customer_key" not in lines.fields:
        lines.notes.append("the order names the customer")
    head.notes.append(f"heads of the orders whose lines are in {lines.table.name}")
    return head


def _leave_to_lines(connection: duckdb.DuckDBPyConnection, head: TableGuess, lines: TableGuess, name: str) -> None:
    """An amount of the order that its lines show already counts there, and there only."""
    of_order, of_line = head.fields.get(name), lines.fields.get(name)
    if (
        of_order is None
        or of_line is None
        or not isinstance(of_line.mapping, str)
        or not isinstance(of_order.mapping, str)
    ):
        return
    order, line_order = quoted(head.key[0]), quoted(str(lines.fields["order_key"].column))
    mine = number_sql(head.table.columns[of_order.mapping])
    theirs = number_sql(lines.table.columns[of_line.mapping])
    equal, given = connection.execute(
        f"""
        select count(*) filter (abs(mine - theirs) < 0.011), count(*)
        from (select cast({order} as varchar) as of_order, {mine} as mine from {head.table.relation})
        join (
            select cast({line_order} as varchar) as of_order, sum({theirs}) as theirs from {lines.table.relation} group by 1
        ) using (of_order)
        where mine <> 0
        """
    ).fetchall()[0]
    if equal >= 0.9 * given:
        del head.fields[name]
        head.notes.append(
            f"{of_order.mapping} is not mapped: in {equal:,} of {given:,} orders it is the sum of their lines'"
        )


def _own_head(guesser: Guesser, guess: TableGuess) -> TableGuess | None:
    """The orders of a file of lines whose own columns stand on the first line of each order only."""
    order = guess.fields.get("order_key")
    if not guess.table.of_order or order is None or not isinstance(order.mapping, str):
        return None
    head = guesser.heads(guess.table, order.mapping)
    own = [column for name, column in guess.table.columns.items() if name in guess.table.of_order]
    first = max(own, key=lambda column: (column.given, nearness(column.name, _STATES))).name
    rows = guess.table.columns[first].given
    head.key_evidence = f"where {first} is given, in {counted(rows, 'row')}"
    head.settings["where"] = (f"{named(first)} is not null", "the order's own columns stand on its first line only")
    guess.has_heads = True
    head.notes.append("read from the same file as its lines")
    return head


def _is_refund_feed(guess: TableGuess, chosen: TableGuess, same: sales.Sameness) -> bool:
    """Make the table a feed of returns beside the sales, if it has a time and an amount; false if it has not."""
    if guess.missing or not {"net_amount", "gross_amount"} & set(guess.fields):
        return False
    fields = guess.fields
    own = next(
        (
            n
            for n in sales.naming_columns(guess)
            if n != same.column and guess.table.columns[n].distinct == guess.table.rows
        ),
        None,
    )
    if own is not None:
        evidence = f"{same.share:.0%} of its values stand in {same.other.table.name}.{same.other_column}"
        fields["return_of_order_key"] = FieldGuess(same.column, same.column, 0.8, [evidence])
        fields["order_key"] = FieldGuess(own, own, 0.8, ["the refund's own number"])
        guess.key, guess.key_evidence = [own], f"no two of {guess.table.seen} share it"
    fields["is_return"] = FieldGuess({"value": True}, None, 0.8, [f"told by the name {guess.table.name}"])
    guess.feed = normalised(guess.table.name)
    return True


def _leave_failed_out(guess: TableGuess) -> None:
    """Sales that failed, were cancelled or made for a test are no sales."""
    if guess.entity not in ("transactions", "orders"):
        return
    tests: list[str] = []
    seen: list[str] = []
    for profile in guess.table.columns.values():
        if profile.name in guess.table.of_order and guess.entity == "transactions":
            continue
        if nearness(profile.name, _STATES) >= 0.7 and profile.distinct <= 30 and not profile.is_number:
            never = [value for value in profile.values if _is_never(value)]
            if never:
                tests.append(f"coalesce({named(profile.name)}, '') not in ({', '.join(map(text, never))})")
                seen.append(f"{profile.name} is {', '.join(profile.values[:6])}")
        elif nearness(profile.name, _TESTS) >= 0.9 and _has_true(profile):
            tests.append(f"lower(cast({named(profile.name)} as varchar)) not in ('true', '1', 'yes')")
            seen.append(f"{profile.name} is sometimes true")
        elif nearness(profile.name, _CANCELLED) >= 0.9 and profile.is_date and profile.given:
            tests.append(f"{named(profile.name)} is null")
            seen.append(f"{profile.name} is given in {counted(profile.given, 'row')}")
    if tests:
        before = guess.settings.get("where")
        expression = " and ".join([before[0], *tests] if before else tests)
        why = "CHECK: what failed or was cancelled is no sale; " + "; ".join(seen)
        guess.settings["where"] = (expression, f"{before[1]}; {why}" if before else why)


def _is_never(value: str) -> bool:
    return normalised(value).removeprefix("wc_") in _NEVER


def _has_true(profile: ColumnProfile) -> bool:
    return any(value.lower() in ("true", "1", "yes") for value in profile.values) and profile.distinct <= 2


def _count_repeats(guess: TableGuess) -> None:
    """What rows that repeat another one whole may be."""
    counted = ("transactions", "interactions", "rewards")
    if guess.table.repeated and guess.entity in counted:
        why = (
            f"CHECK: {guess.table.repeated:,} of {guess.table.seen} say what another says: each counts, as two caps on one "
            "receipt; drop: the same line was written twice"
        )
        guess.settings["repeats"] = ("number", why)


def _join_by_email(guesses: list[TableGuess]) -> None:
    """Where no table names a customer's id and sales name an e-mail address, that is what customers are known by."""
    homes = [g for g in guesses if g.entity == "customers" and not g.left_out and "email" in g.fields]
    named_ones = {id(g.refers_to["customers"]) for g in guesses if "customers" in g.refers_to}
    for home in homes:
        column = home.table.columns[str(home.fields["email"].column)]
        is_unique = column.distinct == column.given == home.table.rows
        if id(home) in named_ones or not is_unique or column.all_values is None:
            continue
        for guess in guesses:
            if "customer_key" in guess.fields or guess is home or "customer_key" not in ENTITIES[guess.entity]:
                continue
            found = max(
                (
                    c
                    for c in guess.table.columns.values()
                    if c.is_mostly("email") and c.all_values is not None and c.distinct > 1
                ),
                key=lambda c: len((c.all_values or frozenset()) & (column.all_values or frozenset())),
                default=None,
            )
            shared = len((found.all_values or frozenset()) & column.all_values) if found is not None else 0
            if found is None or shared < 0.5 * found.distinct:
                continue
            evidence = f"{shared / found.distinct:.0%} of its values stand in {home.table.name}.{column.name}"
            guess.fields["customer_key"] = FieldGuess(found.name, found.name, 0.8, [evidence])
            guess.refers_to["customers"] = home
            home.key, home.key_evidence = [column.name], "sales name customers by it, and by nothing else"
            home.has_personal_key = True
    for home in homes:
        if home.key and home.table.columns[home.key[0]].is_mostly("email"):
            home.has_personal_key = True
