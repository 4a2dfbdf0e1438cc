"""What a mapping needs beyond a name: constants, translated values, days that are numbers, amounts that follow from others."""

import duckdb

from clientela.contracts import ENTITIES
from clientela.onboard.propose import words
from clientela.onboard.propose.amounts import complete_sales
from clientela.onboard.propose.column_profile import ColumnProfile
from clientela.onboard.propose.model import FieldGuess, TableGuess
from clientela.onboard.propose.names import normalised
from clientela.onboard.propose.spelling import named


def complete(connection: duckdb.DuckDBPyConnection, guess: TableGuess) -> None:
    """Constants, translations, returns and prices."""
    fields, columns, entity = guess.fields, guess.table.columns, guess.entity
    for (of, name), (by_word, default) in words.CONSTANTS.items():
        if of != entity or name in fields:
            continue
        column = getattr(fields.get("order_key"), "column", None) or ""
        parts = normalised(f"{guess.table.name} {guess.table.folder.name} {column}").split("_")
        meant = next((value for part in parts for value, listed in by_word.items() if part in listed), None)
        if meant or default:
            why = (
                f"told by the name {guess.table.name}{f' or {column}' if column else ''}"
                if meant
                else "ASSUMED: no column tells it"
            )
            fields[name] = FieldGuess({"value": meant or default}, None, 0.5, [why])
    for name, found in fields.items():
        contract = ENTITIES[entity][name]
        if contract.values and found.column:
            translate(guess, name, columns[found.column])
        elif contract.type in ("date", "timestamp") and isinstance(found.mapping, str):
            _read_days(found, contract.type, columns[found.mapping])
    if entity == "transactions":
        complete_sales(connection, guess)
    if (
        entity == "interactions"
        and "direction" not in fields
        and "response" in str(getattr(fields.get("kind"), "mapping", ""))
    ):
        fields["direction"] = FieldGuess({"value": "inbound"}, None, 0.5, ["a response comes from the customer"])


def _read_days(found: FieldGuess, kind: str, profile: ColumnProfile) -> None:
    """Days and times that are numbers, and times that are always midnight."""
    column = named(profile.name)
    if profile.is_epoch:
        instant = f"to_timestamp(cast({column} as double))"
        found.mapping = {"sql": instant if kind == "timestamp" else f"cast({instant} as date)"}
        found.evidence = ["seconds since 1970"]
    elif profile.format and profile.sql_type != "VARCHAR":
        found.mapping = {"sql": f"cast(try_strptime(cast({column} as varchar), '{profile.format}') as date)"}
        found.evidence = [f"days such as {profile.values[0]}"]
    elif kind == "timestamp" and profile.sql_type.startswith("TIMESTAMP") and not profile.has_time:
        found.mapping = {"sql": f"cast({column} as date)"}
        found.evidence.append("always midnight: a day, not a time")


def translate(guess: TableGuess, name: str, profile: ColumnProfile) -> None:
    """The column's values as the field's own, where their words are known."""
    allowed = ENTITIES[guess.entity][name].values
    known = words.VALUES.get((guess.entity, name), {})
    values: dict[str, str] = {}
    unknown: list[str] = []
    for value in profile.values:
        plain = normalised(value)
        if value.lower() in allowed:
            continue
        meant = next((m for m, listed in known.items() if plain == m or plain in listed), None)
        if meant is None:
            unknown.append(value)
            meant = next((m for m in ("contact", "other") if m in allowed), None)
        if meant:
            values[value] = meant
    found = guess.fields[name]
    if values:
        found.mapping = {"column": found.column, "values": values}
    if unknown:
        found.evidence.append(f"TRANSLATE: {', '.join(unknown[:5])} {'is' if len(unknown) == 1 else 'are'} not known")
