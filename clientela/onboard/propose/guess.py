"""Which table is which entity, which column which field, what is the key, and which tables are one source.

Everything is a score: how near a name is to the words of `clientela.onboard.propose.words`, and whether the values fit. Each
guess carries its evidence and its runner-up, for the person who has the last word. What a mapping needs beyond a name stands in
`complete`, which tables tell the same sales in `sales`; how it is written down is not here.
"""

import itertools
import re

import duckdb

from clientela.contracts import ENTITIES, Column
from clientela.onboard.propose import words
from clientela.onboard.propose.column_profile import UNNAMED, ColumnProfile
from clientela.onboard.propose.complete import complete
from clientela.onboard.propose.model import FieldGuess, TableGuess
from clientela.onboard.propose.names import has_word, nearness, normalised
from clientela.onboard.propose.people import other_than_customers
from clientela.onboard.propose.profile import FILE, TableProfile
from clientela.onboard.propose.unnamed import purchase_log
from clientela.sql.quoting import quoted
from clientela.wording import counted

#: a table that scores less is no entity; a column that scores less is no field
LEAST_ENTITY, LEAST_FIELD = 3.0, 0.5
#: words of tables that are no sales, or not yet
_NO_SALES = frozenset(
    "draft abandoned checkout cart carrito quote presupuesto estimate payout inventory metafield risk fulfillment "
    "shipment dispute agreement discount variant stock price".split()
)
#: words of tables of what somebody did who was contacted
_NO_CONTACTS = frozenset("activity activities unsubscribe bounce click open report".split())
#: words of columns that name no order
_NO_ORDER = frozenset("sort display rank email balance".split())
#: numbers of orders such as #1001 or SO-43001
_ORDER_NUMBER = re.compile(r"#?[A-Z]{0,4}-?\d{3,}")
#: heads of orders are known by their lines, not for themselves
_GUESSED = tuple(entity for entity in words.FIELDS if entity != "orders")
#: entities of which each record stands once, under a key of its own
STATES = ("customers", "products", "campaigns")
#: most columns that a key is made of, and the columns among which it is looked for
_LONGEST_KEY, _KEY_COLUMNS = 4, 7


def fit(column: Column, profile: ColumnProfile) -> tuple[float, str]:
    """Whether a column's values can be the field's: 0 (no) to 1, and what was seen."""
    if not profile.given:
        return 0.5, "no value in the sample"
    shapes = profile.shapes
    if column.type in ("date", "timestamp"):
        return (1.0, f"dates {profile.format}" if profile.format else "dates") if profile.is_date else (0.0, "")
    if column.type in ("money", "decimal", "rate", "integer"):
        return (1.0, "numbers") if profile.is_number and not profile.is_date else (0.0, "")
    if column.type == "boolean":
        is_boolean = profile.sql_type == "BOOLEAN" or profile.is_mostly("boolean", 0.95)
        return (1.0, "yes or no") if is_boolean else (0.0, "")
    if column.name == "email":
        return (1.0, f"{shapes['email']:.0%} e-mail addresses") if profile.is_mostly("email", 0.5) else (0.0, "")
    if column.name == "phone":
        return (1.0, f"{shapes['phone']:.0%} telephone numbers") if profile.is_mostly("phone", 0.4) else (0.0, "")
    if column.name == "currency":
        return (1.0, f"{shapes['currency']:.0%} currency codes") if profile.is_mostly("currency", 0.7) else (0.0, "")
    if column.name == "unit_of_measure":
        units = {normalised(value) for value in profile.all_values or profile.values}
        is_unit = units <= words.MEASURES | words.PIECES and not units <= words.PIECES
        return (1.0, f"units {', '.join(sorted(units)[:4])}") if is_unit else (0.0, "")
    if column.name.endswith("_key"):
        return (1.0, "") if profile.is_idlike else (0.0, "")
    if column.name in ("coupon", "loyalty_id", "tax_id"):
        return (1.0, "") if profile.is_idlike else (0.0, "")
    if profile.is_date or profile.is_mostly("email"):
        return 0.3, ""
    return 1.0, ""


class Guesser:
    """All tables of one folder or database, looked at together: the values of one are keys of another."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, tables: list[TableProfile]) -> None:
        self.connection = connection
        self.tables = tables
        self._keys: dict[tuple[str, str], tuple[int, int]] = {}
        self._overlaps: dict[tuple[str, str, str, str], float] = {}
        #: tables that are surely no customers', with whose they are
        self.others: dict[str, str] = {}
        self.guesses = [guess for table in tables if (guess := self._entity(table))]
        self.unknown = [table for table in tables if all(table is not g.table for g in self.guesses)]
        self._drop_second_records()
        for guess in self.guesses:
            self._settle(guess)

    def heads(self, table: TableProfile, order: str) -> TableGuess:
        """The table as heads of orders that its column `order` names."""
        guess = TableGuess(table, "orders", 0.0, None, [order])
        self._settle(guess)
        return guess

    def fields(self, table: TableProfile, entity: str, taken: set[str]) -> dict[str, FieldGuess]:
        """The table's columns, but for those taken, as fields of the entity; references are none of them."""
        references = {column.name for column in ENTITIES[entity].references()}
        found = self._fields(table, entity, taken)
        return {name: field for name, field in found.items() if name not in references}

    # -------------------------------------------------------------- entities

    def _entity(self, table: TableProfile) -> TableGuess | None:
        if all(UNNAMED.fullmatch(name) for name in table.columns):
            return purchase_log(table)
        table.of_order = self._columns_of_order(table)
        scored = sorted(((self._entity_score(table, entity), entity) for entity in _GUESSED), reverse=True)
        if scored[0][1] == "customers" and (whose := other_than_customers(table)):
            self.others[table.name] = whose
            return None
        (score, entity), (second, other) = scored[0], scored[1]
        if score < LEAST_ENTITY:
            return None
        runner_up = f"{other} ({second:.1f})" if second >= LEAST_ENTITY else None
        guess = TableGuess(table, entity, score, runner_up)
        if entity in STATES and (key := self._own_key(table, entity)):
            guess.key = [key]
        return guess

    def _entity_score(self, table: TableProfile, entity: str) -> float:
        score = 3 * nearness(table.name, words.FILES[entity])
        own = self._own_key(table, entity) if entity in STATES else None
        fields = self._fields(table, entity, {own} if own else set())
        score += sum(weight * fields[name].score for name, weight in words.TELLING[entity].items() if name in fields)
        parts = normalised(table.name).split("_")
        for (of, _), (by_word, _) in words.CONSTANTS.items():
            score += of == entity and any(part in listed for part in parts for listed in by_word.values())
        is_sale = "customer_key" in fields or nearness(table.name, words.FILES["transactions"]) >= 0.5
        has_own_key = is_sale and any(normalised(name) == "id" for name in table.columns)
        for column in ENTITIES[entity].columns:
            if column.name == "order_key" and column.required and has_own_key:
                # a row may be a sale of its own
                continue
            if column.required and column.name not in fields and (entity, column.name) not in words.CONSTANTS:
                score -= 2
        if entity in STATES:
            score += -1 if own is None else 1.5 if self.is_key(table, [own]) else -4
        if entity == "transactions":
            price = any(normalised(name).removeprefix("lineitem_") in words.UNIT_PRICES for name in table.columns)
            score -= 4 * (not {"net_amount", "gross_amount"} & set(fields) and not (price and "quantity" in fields))
            score -= 4 * has_word(table.name, _NO_SALES)
            score -= 4 * ("order_key" not in fields and not has_own_key)
        if entity == "products" and nearness(table.name, words.FILES["products"]) < 0.9:
            score -= 3 * any(
                nearness(name, words.FIELDS["transactions"]["customer_key"]) > 0.6 for name in table.columns
            )
        pair = [fields[name].column for name in ("campaign_key", "customer_key") if name in fields]
        if entity == "campaign_contacts" and len(pair) == 2:
            # a customer is chosen for a campaign once; who stands there again and again did something
            score += 1 if self.is_key(table, [str(column) for column in pair]) else -3
            score -= 4 * has_word(table.name, _NO_CONTACTS)
        return score

    def _columns_of_order(self, table: TableProfile) -> frozenset[str]:
        """Columns that stand on one line of each order only, in a table with several lines of an order."""
        synonyms = words.FIELDS["transactions"]["order_key"]
        orders = [
            c
            for c in table.columns.values()
            if c.given == table.rows > c.distinct and (nearness(c.name, synonyms) >= 0.5 or _is_order_number(c.name, c))
        ]
        partial = [c for c in table.columns.values() if 0 < c.given < 0.98 * table.rows]
        if not orders or len(partial) < 2:
            return frozenset()
        order = max(orders, key=lambda c: c.distinct)
        counted_orders = ", ".join(
            f"count(distinct {quoted(order.name)}) filter (nullif(trim(cast({quoted(c.name)} as varchar)), '') is not null)"
            for c in partial
        )
        found = self.connection.execute(f"select {counted_orders} from {table.relation}").fetchall()[0]
        mine = [c for c, seen in zip(partial, found, strict=True) if seen == c.given]
        # they tell an order once: some of them stand on nearly every order
        return frozenset(c.name for c in mine) if any(c.given >= 0.9 * order.distinct for c in mine) else frozenset()

    def _own_key(self, table: TableProfile, entity: str) -> str | None:
        scored = [
            (nearness(name, words.KEYS[entity]) * fit(ENTITIES["transactions"]["order_key"], column)[0], name)
            for name, column in table.columns.items()
        ]
        score, name = max(scored, key=lambda item: item[0])
        return name if score >= 0.6 else None

    def _drop_second_records(self) -> None:
        """Of two tables of the same customers only the one that has them for its own is kept."""
        held = sorted((g for g in self.guesses if g.entity == "customers" and g.key), key=lambda g: -g.score)
        for guess in held:
            for other in held:
                if other is guess or guess not in self.guesses or other not in self.guesses:
                    continue
                is_named = nearness(guess.table.name, words.FILES["customers"]) >= 0.9
                refers = normalised(guess.key[0]) not in ("id", normalised(other.key[0])) or guess.score < other.score
                if not is_named and refers and self._overlap(guess, guess.key[0], other) >= 0.8:
                    self.guesses.remove(guess)
                    self.unknown.append(guess.table)
                    self.others[guess.table.name] = (
                        f"the customers of {other.table.name} once more: their {guess.key[0]} stands there"
                    )

    # ---------------------------------------------------------------- fields

    def _fields(self, table: TableProfile, entity: str, taken: set[str]) -> dict[str, FieldGuess]:
        """The best field for each column and the best column for each field, by score."""
        taken = taken | self._of_order(table, entity)
        scored: list[tuple[float, str, str, str]] = []
        for name, synonyms in words.FIELDS[entity].items():
            contract = ENTITIES[entity][name]
            for column, profile in table.columns.items():
                if _is_never(name, column, table):
                    continue
                fits, seen = fit(contract, profile)
                near = nearness(column, synonyms)
                if name == "order_key":
                    near = 0.0 if has_word(column, _NO_ORDER) else max(near, 0.75 * _is_order_number(column, profile))
                if near == 0 and name == "email" and profile.is_mostly("email"):
                    near = 0.8
                if near * fits >= LEAST_FIELD:
                    scored.append((near * fits, name, column, seen))
        scored.sort(key=lambda item: -item[0])
        fields: dict[str, FieldGuess] = {}
        for score, name, column, seen in scored:
            if column in taken:
                continue
            if name in fields:
                fields[name].runner_up = fields[name].runner_up or f"{column} ({score:.2f})"
                continue
            taken = taken | {column}
            fields[name] = FieldGuess(column, column, score, [seen] if seen else [])
        return fields

    def _of_order(self, table: TableProfile, entity: str) -> set[str]:
        """Columns of an order among its lines: they stand on its first line only, and are no line's."""
        if entity != "transactions" or not table.of_order:
            return set()
        return set(table.of_order)

    def _settle(self, guess: TableGuess) -> None:
        """Fields, references, key and what a mapping needs beyond a name."""
        table, entity = guess.table, ENTITIES[guess.entity]
        if all(UNNAMED.fullmatch(name) for name in table.columns):
            guess.key_evidence = self._key_evidence(table, guess.key)
            return
        rejected: set[str] = set()
        guess.fields = self._fields(table, guess.entity, set(guess.key))
        for contract in entity.references():
            # a customer of another system is no parent: such columns are found by their names alone
            if contract.refers_to == guess.entity:
                continue
            held = [g for g in self.guesses if g.entity == contract.refers_to and g.key and g is not guess]
            found = guess.fields.get(contract.name)
            ranked = sorted(
                (
                    (self._overlap(guess, name, other), name, other)
                    for name in self._candidates(guess, found)
                    for other in held
                ),
                key=lambda item: (-item[0], -item[2].score, item[1]),
            )
            if not ranked:
                continue
            share, name, other = ranked[0]
            is_same_name = normalised(name) == normalised(other.key[0])
            if share >= 0.5 or (is_same_name and share >= 0.05):
                guess.refers_to[contract.refers_to or ""] = other
                sentence = f"{share:.0%} of its values stand in {other.table.name}.{other.key[0]}"
                found = guess.fields.setdefault(contract.name, FieldGuess(name, name, 0.5 + share / 2))
                found.evidence.insert(0, sentence)
            elif found is not None and share < 0.1 and found.score < 0.95 and held:
                rejected.add(str(found.column))
                del guess.fields[contract.name]
        if guess.entity == "transactions":
            self._find_order(guess)
        if guess.entity != "orders":
            self._find_key(guess)
        complete(self.connection, guess)
        if guess.entity == "customers":
            used = {f.column for f in guess.fields.values()} | set(guess.key)
            guess.attributes = {normalised(c): c for c in table.columns if c not in used}

    def _find_order(self, guess: TableGuess) -> None:
        """A table whose rows are sales of their own, such as charges, names them by its own key."""
        found = guess.fields.get("order_key")
        own = next((name for name in guess.table.columns if normalised(name) == "id"), None)
        is_vague = found is None or (found.score < 0.7 and "product_key" not in guess.fields)
        if own is not None and is_vague and self.is_key(guess.table, [own], 1.0):
            guess.fields["order_key"] = FieldGuess(own, own, 0.7, ["its own key: a row is a sale"])

    def _candidates(self, guess: TableGuess, found: FieldGuess | None) -> list[str]:
        """Columns that could hold a reference: the one found by name, or else those that no name explains."""
        if found is not None and found.column is not None:
            return [found.column]
        used = {f.column for f in guess.fields.values()}
        return [
            name
            for name, column in guess.table.columns.items()
            if name not in used and column.is_idlike and column.distinct >= 3 and not _is_count(column)
        ]

    def _overlap(self, guess: TableGuess, column: str, other: TableGuess) -> float:
        """Share of the column's distinct values that are keys of the other table; few keys used are no reference."""
        key = (guess.table.relation, column, other.table.relation, other.key[0])
        ours, keys = guess.table.columns[column], other.table.columns[other.key[0]]
        if key not in self._overlaps and ours.all_values is not None and keys.all_values is not None:
            shared = len(ours.all_values & keys.all_values)
            is_wide = nearness(column, words.KEYS[other.entity]) > 0.5 or shared * 20 >= keys.distinct
            self._overlaps[key] = shared / ours.distinct if ours.distinct and is_wide else 0.0
        if key not in self._overlaps:
            mine, theirs = (f"trim(cast({quoted(name)} as varchar))" for name in (column, other.key[0]))
            distinct, shared = self.connection.execute(
                f"""
                select count(*), count(*) filter (value in (select {theirs} from {other.table.relation}))
                from (select distinct {mine} as value from {guess.table.relation} where {quoted(column)} is not null)
                """
            ).fetchall()[0]
            is_wide = (
                nearness(column, words.KEYS[other.entity]) > 0.5
                or shared * 20 >= other.table.columns[other.key[0]].distinct
            )
            self._overlaps[key] = shared / distinct if distinct and is_wide else 0.0
        return self._overlaps[key]

    # ------------------------------------------------------------------- key

    def is_key(self, table: TableProfile, columns: list[str], share: float = 0.99) -> bool:
        """Whether no two rows of a file have the same values there, repeated whole rows aside, and none is without.

        `share` of the rows must be told apart: among many, a few may be faults.
        """
        distinct, absent = self._count_distinct(table, columns)
        return absent <= table.rows // 100 and distinct >= share * (table.rows - table.repeated)

    def _count_distinct(self, table: TableProfile, columns: list[str]) -> tuple[int, int]:
        """(different values of the columns, in each file apart; rows without)."""
        listed = ", ".join(quoted(name) for name in columns)
        is_absent = " or ".join(f"{quoted(name)} is null" for name in columns)
        key = table.relation, listed
        if key not in self._keys:
            self._keys[key] = self.connection.execute(
                f"select (select count(*) from (select distinct {quoted(FILE)}, {listed} from {table.relation})), "
                f"(select count(*) from {table.relation} where {is_absent})"
            ).fetchall()[0]
        return self._keys[key]

    def _key_evidence(self, table: TableProfile, columns: list[str]) -> str:
        """What was seen of the key, no more than was counted."""
        distinct, absent = self._count_distinct(table, columns)
        others = table.rows - table.repeated
        if distinct == table.rows:
            sentence = f"no two of {table.seen} share it"
        elif distinct >= others:
            sentence = f"of {table.seen} {table.repeated:,} repeat another whole; no two others share it"
        else:
            sentence = f"CHECK: of {table.seen} {others - distinct:,} share it with another that says something else"
        return f"{sentence}; {counted(absent, 'row')} without it" if absent else sentence

    def _find_key(self, guess: TableGuess) -> None:
        table, fields = guess.table, guess.fields
        tried: list[list[str]] = []
        if guess.key:
            tried.append(guess.key)
        elif guess.entity == "transactions":
            named = {name: fields[name].column for name in ("order_key", "line_key", "product_key") if name in fields}
            pairs = [("order_key", "line_key"), ("order_key", "product_key"), ("order_key",)]
            tried += [[str(named[part]) for part in pair] for pair in pairs if all(part in named for part in pair)]
            own = self._own_key(table, guess.entity)
            tried += [[own]] if own and own != named.get("order_key") else []
        elif (own := self._own_key(table, guess.entity)) and own != getattr(fields.get("customer_key"), "column", None):
            tried.append([own])
        for columns in tried:
            if self.is_key(table, columns):
                guess.key, guess.key_evidence = columns, self._key_evidence(table, columns)
                return
        candidates = self._key_columns(guess)
        for size in range(1, min(_LONGEST_KEY, len(candidates)) + 1):
            for columns in map(list, itertools.combinations(candidates, size)):
                if columns not in tried and self.is_key(table, columns, 1.0):
                    guess.key = columns
                    evidence = self._key_evidence(table, columns)
                    guess.key_evidence = f"no column is named like a key; the first found: {evidence}"
                    return
        guess.key = tried[0] if tried else candidates[:1] or list(table.columns)[:1]
        guess.key_evidence = (
            f"NOT unique in {table.seen}: no one to {_LONGEST_KEY} columns are; rows that conflict are refused"
        )

    def _key_columns(self, guess: TableGuess) -> list[str]:
        """Columns that could be of a key: those that name something first, then the event's time, in the file's order."""
        named = {
            f.column: place
            for place, name in enumerate(("order_key", "line_key", "campaign_key", "customer_key", "product_key"))
            if (f := guess.fields.get(name))
        }
        order = list(guess.table.columns)
        naming = [
            c
            for c in order
            if guess.table.columns[c].is_idlike and (c in named or nearness(c, words.KEYS["products"]) > 0)
        ]
        times = [c for c in order if guess.table.columns[c].is_date]
        others = [c for c in order if guess.table.columns[c].is_idlike and c not in naming]
        if guess.entity == "campaign_contacts":
            naming.sort(key=lambda c: named.get(c, len(named)))
        return [*naming, *times, *others][:_KEY_COLUMNS]


def _is_never(field: str, column: str, table: TableProfile) -> bool:
    """Whether the column can be no such field, whatever its name: all rows are not one customer's, and what was given back
    is no sale."""
    if field == "customer_key":
        return _is_constant(table.columns[column])
    is_amount = field in ("net_amount", "gross_amount")
    return is_amount and has_word(column, words.GIVEN_BACK) and not has_word(table.name, words.REFUNDS)


def _is_constant(profile: ColumnProfile) -> bool:
    return profile.distinct == 1 < profile.given


def _is_order_number(name: str, column: ColumnProfile) -> bool:
    """A column called `Name` whose values are numbers of orders, as shops write them."""
    return normalised(name) == "name" and all(_ORDER_NUMBER.fullmatch(value) for value in column.values)


def _is_count(column: ColumnProfile) -> bool:
    """Small whole numbers: they stand among any table's keys, and say nothing."""
    return column.is_mostly("integer") and max((len(value) for value in column.values), default=0) < 4
