"""Which table is which entity, which column which field, what is the key, and which tables are one source.

Everything is a score: how near a name is to the words of `clientela.onboard.propose.words`, and whether the values fit. Each
guess carries its evidence and its runner-up, for the person who has the last word. How it is written down is not here.
"""

import difflib
import itertools
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

import duckdb

from clientela.contracts import ENTITIES, Column
from clientela.onboard.propose import words
from clientela.onboard.propose.profile import FILE, ColumnProfile, TableProfile
from clientela.sql.quoting import quoted

#: a table that scores less is no entity; a column that scores less is no field
LEAST_ENTITY, LEAST_FIELD = 3.0, 0.5
#: entities of which each record stands once, under a key of its own
STATES = ("customers", "products", "campaigns")
_ENTITY_WORDS = frozenset(
    "customer customers cliente clientes product products producto productos articulo campaign campaigns campana order "
    "orders pedido sale sales venta transaction contract contrato interaction contact household client".split()
)
#: most columns that a key is made of, and the columns among which it is looked for
_LONGEST_KEY, _KEY_COLUMNS = 4, 7


@dataclass
class FieldGuess:
    """What a field is mapped to, as it stands in the configuration, and why."""

    mapping: Any
    column: str | None
    score: float
    evidence: list[str] = field(default_factory=list)
    runner_up: str | None = None


@dataclass
class TableGuess:
    """One table as an entity."""

    table: TableProfile
    entity: str
    score: float
    runner_up: str | None
    key: list[str] = field(default_factory=list)
    key_evidence: str = ""
    fields: dict[str, FieldGuess] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    #: referenced entity → the guess whose keys its values are
    refers_to: dict[str, "TableGuess"] = field(default_factory=dict)

    @property
    def missing(self) -> list[str]:
        """Required fields that nothing was found for."""
        return [c.name for c in ENTITIES[self.entity].columns if c.required and c.name not in self.fields]


@dataclass
class SourceGuess:
    """Tables of one id space and one way of writing."""

    name: str
    tables: list[TableGuess]
    settings: dict[str, Any] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)


def normalised(name: str) -> str:
    """`NumCliente`, `Nº cliente` and `num-cliente` alike: small letters without accents, parts joined by _."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain)
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")


def nearness(name: str, synonyms: tuple[str, ...]) -> float:
    """How near a column's name is to any of the words, 0 to 1."""
    told = normalised(name)
    parts = told.split("_")
    bare = "_".join(p for p in parts if p not in _ENTITY_WORDS)
    best = 0.0
    for place, synonym in enumerate(synonyms):
        if told == synonym:
            score = 1.0
        elif bare and bare == synonym:
            score = 0.9
        elif set(synonym.split("_")) <= set(parts):
            score = 0.5 + 0.3 * len(synonym.split("_")) / len(parts)
        elif len(told) > 4 and difflib.SequenceMatcher(None, told, synonym).ratio() > 0.87:
            score = 0.7
        else:
            continue
        best = max(best, score - 0.008 * min(place, 20))
    return best


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
        self._whole_rows: dict[str, int] = {}
        self._overlaps: dict[tuple[str, str, str, str], float] = {}
        self.guesses = [guess for table in tables if (guess := self._entity(table))]
        self.unknown = [table for table in tables if all(table is not g.table for g in self.guesses)]
        for guess in self.guesses:
            self._settle(guess)

    # -------------------------------------------------------------- entities

    def _entity(self, table: TableProfile) -> TableGuess | None:
        scored = sorted(((self._entity_score(table, entity), entity) for entity in words.FIELDS), reverse=True)
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
        for column in ENTITIES[entity].columns:
            if column.required and column.name not in fields and (entity, column.name) not in words.CONSTANTS:
                score -= 2
        if entity in STATES:
            score += -1 if own is None else 1.5 if self.is_key(table, [own]) else -4
        pair = [fields[name].column for name in ("campaign_key", "customer_key") if name in fields]
        if entity == "campaign_contacts" and len(pair) == 2:
            # a customer is chosen for a campaign once; who stands there again and again did something
            score += 1 if self.is_key(table, [str(column) for column in pair]) else -3
        return score

    def _own_key(self, table: TableProfile, entity: str) -> str | None:
        scored = [
            (nearness(name, words.KEYS[entity]) * fit(ENTITIES["transactions"]["order_key"], column)[0], name)
            for name, column in table.columns.items()
        ]
        score, name = max(scored, key=lambda item: item[0])
        return name if score >= 0.6 else None

    # ---------------------------------------------------------------- fields

    def _fields(self, table: TableProfile, entity: str, taken: set[str]) -> dict[str, FieldGuess]:
        """The best field for each column and the best column for each field, by score."""
        scored: list[tuple[float, str, str, str]] = []
        for name, synonyms in words.FIELDS[entity].items():
            contract = ENTITIES[entity][name]
            for column, profile in table.columns.items():
                fits, seen = fit(contract, profile)
                near = nearness(column, synonyms)
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

    def _settle(self, guess: TableGuess) -> None:
        """Fields, references, key and what a mapping needs beyond a name."""
        table, entity = guess.table, ENTITIES[guess.entity]
        rejected: set[str] = set()
        guess.fields = self._fields(table, guess.entity, set(guess.key))
        for contract in entity.references():
            held = [g for g in self.guesses if g.entity == contract.refers_to and g.key and g is not guess]
            found = guess.fields.get(contract.name)
            ranked = sorted(
                (
                    (self._overlap(guess, name, other), name, other)
                    for name in self._candidates(guess, found)
                    for other in held
                ),
                key=lambda item: (-item[0], item[1]),
            )
            if not ranked:
                continue
            share, name, other = ranked[0]
            is_same_name = normalised(name) == normalised(other.key[0])
            if share >= 0.5 or (is_same_name and share >= 0.05):
                guess.refers_to[contract.refers_to or ""] = other
                told = f"{share:.0%} of its values stand in {other.table.name}.{other.key[0]}"
                found = guess.fields.setdefault(contract.name, FieldGuess(name, name, 0.5 + share / 2))
                found.evidence.insert(0, told)
            elif found is not None and share < 0.1 and found.score < 0.95 and held:
                rejected.add(str(found.column))
                del guess.fields[contract.name]
        self._find_key(guess)
        self._complete(guess)
        if guess.entity == "customers":
            used = {f.column for f in guess.fields.values()} | set(guess.key)
            guess.attributes = {normalised(c): c for c in table.columns if c not in used}

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
        relation = table.relation
        if relation not in self._whole_rows:
            rows = self.connection.execute(f"select count(*) from (select distinct * from {relation})").fetchall()
            self._whole_rows[relation] = rows[0][0]
        listed = ", ".join(quoted(name) for name in columns)
        is_absent = " or ".join(f"{quoted(name)} is null" for name in columns)
        distinct, absent = self.connection.execute(
            f"select (select count(*) from (select distinct {quoted(FILE)}, {listed} from {relation})), "
            f"(select count(*) from {relation} where {is_absent})"
        ).fetchall()[0]
        return bool(absent <= table.rows // 100 and distinct >= share * self._whole_rows[relation])

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
                guess.key, guess.key_evidence = columns, f"no two of {table.seen} share it"
                return
        candidates = self._key_columns(guess)
        for size in range(1, min(_LONGEST_KEY, len(candidates)) + 1):
            for columns in map(list, itertools.combinations(candidates, size)):
                if columns not in tried and self.is_key(table, columns, 1.0):
                    guess.key = columns
                    guess.key_evidence = f"the first that no two of {table.seen} share; no column is named like a key"
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

    # ---------------------------------------------------------- what else is needed

    def _complete(self, guess: TableGuess) -> None:
        """Constants, translations, returns and prices."""
        fields, columns, entity = guess.fields, guess.table.columns, guess.entity
        for (of, name), (by_word, default) in words.CONSTANTS.items():
            if of != entity or name in fields:
                continue
            column = getattr(fields.get("order_key"), "column", None) or ""
            parts = normalised(f"{guess.table.name} {guess.table.folder.name} {column}").split("_")
            told = next((value for part in parts for value, listed in by_word.items() if part in listed), None)
            if told or default:
                why = (
                    f"told by the name {guess.table.name}{f' or {column}' if column else ''}"
                    if told
                    else "ASSUMED: no column tells it"
                )
                fields[name] = FieldGuess({"value": told or default}, None, 0.5, [why])
        for name, found in fields.items():
            contract = ENTITIES[entity][name]
            if contract.values and found.column:
                self._translate(guess, name, columns[found.column])
            elif (
                contract.type == "timestamp" and found.column and columns[found.column].sql_type.startswith("TIMESTAMP")
            ) and not columns[found.column].has_time:
                found.mapping = {"sql": f"cast({_named(found.column)} as date)"}
                found.evidence.append("always midnight: a day, not a time")
        if entity == "transactions":
            self._complete_sales(guess)
        if (
            entity == "interactions"
            and "direction" not in fields
            and "response" in str(getattr(fields.get("kind"), "mapping", ""))
        ):
            fields["direction"] = FieldGuess({"value": "inbound"}, None, 0.5, ["a response comes from the customer"])

    def _translate(self, guess: TableGuess, name: str, profile: ColumnProfile) -> None:
        allowed = ENTITIES[guess.entity][name].values
        known = words.VALUES.get((guess.entity, name), {})
        values: dict[str, str] = {}
        unknown: list[str] = []
        for value in profile.values:
            told = normalised(value)
            if value.lower() in allowed:
                continue
            meant = next((m for m, listed in known.items() if told == m or told in listed), None)
            if meant is None:
                unknown.append(value)
                meant = next((m for m in ("contact", "other") if m in allowed), None)
            if meant:
                values[value] = meant
        found = guess.fields[name]
        if values:
            found.mapping = {"column": found.column, "values": values}
        if unknown:
            found.evidence.append(
                f"TRANSLATE: {', '.join(unknown[:5])} {'is' if len(unknown) == 1 else 'are'} not known"
            )

    def _complete_sales(self, guess: TableGuess) -> None:
        fields, columns = guess.fields, guess.table.columns
        used = {f.column for f in fields.values()}
        for name, profile in columns.items():
            if name in used or normalised(name) not in words.STATES or "is_return" in fields:
                continue
            returned = [v for v in profile.values if normalised(v) in words.RETURNED]
            if returned and profile.distinct <= 20:
                listed = ", ".join("'" + value.replace("'", "''") + "'" for value in returned)
                test = f"= {listed}" if len(returned) == 1 else f"in ({listed})"
                fields["is_return"] = FieldGuess(
                    {"sql": f"{_named(name)} {test}"}, name, 0.7, [f"values {', '.join(profile.values[:4])}"]
                )
        if not {"net_amount", "gross_amount"} & set(fields):
            price = next((n for n, p in columns.items() if normalised(n) in words.UNIT_PRICES and p.is_number), None)
            if price and "quantity" in fields:
                sql = f"number({_named(price)}) * number({_named(str(fields['quantity'].column))})"
                fields["gross_amount"] = FieldGuess({"sql": sql}, price, 0.6, ["price of one unit times quantity"])
            else:
                guess.notes.append("NO AMOUNT FOUND: map net_amount, or gross_amount, or every sale is worth nothing")
        if {"gross_amount", "discount_amount", "net_amount"} <= set(fields):
            guess.notes.append(
                "of gross_amount, discount_amount and net_amount two are enough; check that gross - discount = net"
            )
        others = [n for n in columns if "disc" in normalised(n) and n not in {f.column for f in fields.values()}]
        if others and "discount_amount" in fields:
            fields["discount_amount"].evidence.append(f"more columns look like discounts: {', '.join(others)}")


def _is_count(column: ColumnProfile) -> bool:
    """Small whole numbers: they stand among any table's keys, and say nothing."""
    return column.is_mostly("integer") and max((len(value) for value in column.values), default=0) < 4


def _named(column: str) -> str:
    return column if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", column) else quoted(column)


def sources_of(guesses: list[TableGuess], name: str) -> list[SourceGuess]:
    """Tables whose customers' ids are those of one table make one source; a second table of an entity needs its own."""
    groups: list[list[TableGuess]] = []
    homes = [g for g in guesses if g.entity == "customers"]
    for home in homes:
        groups.append([home, *(g for g in guesses if g.refers_to.get("customers") is home)])
    placed = {id(g) for group in groups for g in group}
    for guess in [g for g in guesses if id(g) not in placed]:
        users = [group for group in groups if any(g.refers_to.get(guess.entity) is guess for g in group)]
        same_folder = [group for group in groups if any(g.table.folder == guess.table.folder for g in group)]
        home_group = (users or (same_folder if len(same_folder) == 1 else []) or [None])[0]  # type: ignore[list-item]
        if home_group is None:
            groups.append([guess])
        else:
            home_group.append(guess)
    parted: list[list[TableGuess]] = []
    for group in groups:
        kept: dict[str, TableGuess] = {}
        extra: list[TableGuess] = []
        for guess in sorted(group, key=lambda g: -g.score):
            if guess.entity in kept:
                extra.append(guess)
            else:
                kept[guess.entity] = guess
        parted.append(list(kept.values()))
        parted += [[guess] for guess in extra]
    sources: list[SourceGuess] = []
    order = list(ENTITIES)
    for group in sorted(parted, key=len, reverse=True):
        group.sort(key=lambda g: order.index(g.entity))
        sources.append(SourceGuess(_source_name(group, parted, name, [s.name for s in sources]), group))
    for source in sources:
        _settle_source(source, sources)
    return sources


def _source_name(group: list[TableGuess], groups: list[list[TableGuess]], name: str, taken: list[str]) -> str:
    folders = {g.table.folder for g in group}
    is_own_folder = len(folders) == 1 and not any(
        g.table.folder in folders for other in groups if other is not group for g in other
    )
    if is_own_folder:
        wanted = next(iter(folders)).name if len(groups) > 1 else name
    else:
        wanted = next((g for g in group if g.entity == "transactions"), group[0]).table.name
    told = re.sub(r"^[^a-z]+", "", normalised(wanted)) or "source"
    told = "company" if told == "reference" else told
    return told if told not in taken else f"{told}_{len(taken) + 1}"


def _settle_source(source: SourceGuess, sources: list[SourceGuess]) -> None:
    """How the source writes numbers and dates, and whose ids it uses."""
    comma = point = 0
    by_type: dict[str, list[tuple[str, str, bool]]] = {"date": [], "timestamp": []}
    for guess in source.tables:
        for profile in guess.table.columns.values():
            if profile.sql_type == "VARCHAR" and profile.is_mostly("number", 0.7):
                comma += round(profile.shapes["comma"] * profile.given)
                point += round(profile.shapes["point"] * profile.given)
        for name, found in guess.fields.items():
            kind = ENTITIES[guess.entity][name].type
            if kind in by_type and found.column and (told := guess.table.columns[found.column]).format:
                by_type[kind].append((str(told.format), f"{guess.table.name}.{found.column}", told.is_ambiguous))
    if comma > point:
        source.settings["decimal_style"] = "comma"
        source.comments["decimal_style"] = (
            f"{comma:,} numbers such as 1.234,50 in the sample, {point:,} such as 1,234.50"
        )
    for kind, key in (("timestamp", "datetime_format"), ("date", "date_format")):
        formats = [told for told, _, _ in by_type[kind]]
        if not formats:
            continue
        chosen = max(set(formats), key=lambda told: (formats.count(told), told))
        source.settings[key] = chosen
        if all(is_ambiguous for told, _, is_ambiguous in by_type[kind] if told == chosen):
            source.comments[key] = "CHECK: in the sample day and month could be the other way round"
        _mend_formats(source, kind, chosen)
    for guess in source.tables:
        for entity, other in guess.refers_to.items():
            home = next(s for s in sources if any(other is g for g in s.tables))
            if home is not source:
                source.settings.setdefault("ids_from", {})[entity] = home.name


def _mend_formats(source: SourceGuess, kind: str, chosen: str) -> None:
    """A column in another format than the source's is read by an expression of its own."""
    for guess in source.tables:
        for name, found in guess.fields.items():
            if ENTITIES[guess.entity][name].type != kind or not isinstance(found.mapping, str):
                continue
            told = guess.table.columns[found.mapping].format
            if told not in (None, chosen):
                target = "timestamp" if "%H" in str(told) and kind == "timestamp" else "date"
                found.mapping = {"sql": f"cast(try_strptime({_named(found.mapping)}, '{told}') as {target})"}
                found.evidence.append("written otherwise than the source's other dates")
