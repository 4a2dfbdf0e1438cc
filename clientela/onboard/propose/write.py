"""The proposal as YAML that a person reads: every line with its evidence, what is missing by name, what was not recognised."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from clientela.contracts import ENTITIES
from clientela.onboard.propose import words
from clientela.onboard.propose.model import FieldGuess, SourceGuess, TableGuess
from clientela.onboard.propose.names import normalised
from clientela.onboard.propose.profile import TableProfile, Unread

#: fields whose absence is worth a word
_WANTED = {
    "customers": ("full_name", "email", "phone", "loyalty_id", "tax_id", "birth_date", "acquired_on", "updated_at"),
    "products": ("product_name", "category", "unit_cost"),
    "transactions": ("customer_key", "product_key", "quantity", "net_amount", "channel", "cost_amount"),
    "interactions": ("customer_key", "channel", "resolved_at", "satisfaction"),
    "contracts": ("ends_on", "cancelled_on", "cancel_reason", "recurring_amount"),
    "campaigns": ("ended_on", "approach", "fixed_cost", "unit_cost"),
    "campaign_contacts": ("role", "contacted_at"),
}
#: where a comment begins
_MARGIN = 52


def configuration(
    company: str,
    sources: list[SourceGuess],
    left_out: list[TableGuess],
    others: dict[str, str],
    unknown: list[TableProfile],
    unread: list[Unread],
    reference: Path | None,
    named: Callable[[str], str],
) -> str:
    """The whole file. `named` gives a path as the file is to name it."""
    tables = [guess for source in sources for guess in source.tables]
    lines = [
        "# Proposed by `clientela doctor --propose`; every comment says why. Correct it, then try it: clientela doctor",
        "# Words in CAPITALS mark what only you can know.",
        "",
        _commented(f"company: {_scalar(company)}", "YOURS: the name that reports show"),
        *_currency(tables),
        *_time_zone(tables),
        "data_folder: data",
        *([f"reference_folder: {_scalar(named(str(reference)))}"] if reference else []),
        "",
        "sources:" if sources else "sources: {}",
    ]
    for source in sources:
        lines += ["", *_source(source, named)]
    lines += ["", *_missing(tables)]
    for guess in left_out:
        is_shown = guess.entity == "transactions"
        lines += ["", f"# LEFT OUT: {_place(guess.table, named)}: {guess.left_out}.{' As it would be:' * is_shown}"]
        lines += [f"# {line}".rstrip() for line in _entity(guess, named)] if is_shown else []
    lines += [""] * bool(left_out)
    for table in unknown:
        if whose := others.get(table.name):
            lines.append(f"# Not customers: {_place(table, named)} holds {whose}")
        else:
            lines.append(f"# Not recognised: {_place(table, named)} ({', '.join([*table.columns, *table.never])})")
    lines += [f"# Could not be read: {item.name}: {item.reason}" for item in unread]
    return "\n".join(lines).rstrip() + "\n"


def _place(table: TableProfile, named: Callable[[str], str]) -> str:
    return ", ".join(named(path) for path in table.files) or table.name


def _currency(tables: list[TableGuess]) -> list[str]:
    counted: dict[str, int] = {}
    for guess in tables:
        found = guess.fields.get("currency")
        if found and found.column:
            values = guess.table.columns[found.column].values or ("EUR",)
            counted[values[0].upper()] = counted.get(values[0].upper(), 0) + guess.table.rows
    if not counted:
        return [_commented("currency: EUR", "YOURS: no column names a currency")]
    most = max(counted, key=lambda code: counted[code])
    return [_commented(f"currency: {most}", "YOURS: the most frequent currency in the files")]


def _time_zone(tables: list[TableGuess]) -> list[str]:
    names = [part for guess in tables for name in guess.table.columns for part in normalised(name).split("_")]
    spanish = sum(part in words.SPANISH for part in names)
    zone = "Europe/Madrid" if spanish * 10 > len(names) else "UTC"
    why = "the columns are named in Spanish" if zone != "UTC" else "nothing tells where its days begin"
    return [_commented(f"time_zone: {zone}", f"YOURS: {why}")]


def _source(source: SourceGuess, named: Callable[[str], str]) -> list[str]:
    lines = [f"  {source.name}:"]
    for key, value in source.settings.items():
        lines.append(_commented(f"    {key}: {_scalar(value)}", source.comments.get(key, "")))
    lines.append("    entities:")
    for guess in source.tables:
        lines += ["", *_entity(guess, named)]
    return lines


def _entity(guess: TableGuess, named: Callable[[str], str]) -> list[str]:
    table = guess.table
    score = f"; score {guess.score:.1f}" * bool(guess.score) + (f"; next {guess.runner_up}" if guess.runner_up else "")
    lines = [_commented(f"      {guess.feed or guess.entity}:", f"{table.seen}{score}")]
    if guess.feed:
        lines.append(f"        entity: {guess.entity}")
    if table.files:
        paths = [named(path) for path in table.files]
        lines.append(f"        files: {_scalar(paths[0] if len(paths) == 1 else paths)}")
    lines += [f"        {name}: {_scalar(value)}" for name, value in table.settings.items()]
    key = guess.key[0] if len(guess.key) == 1 else guess.key
    lines.append(_commented(f"        key: {_scalar(key)}", guess.key_evidence))
    lines += [_commented(f"        {name}: {_scalar(value)}", why) for name, (value, why) in guess.settings.items()]
    fields = {c.name: guess.fields[c.name] for c in ENTITIES[guess.entity].columns if c.name in guess.fields}
    if fields:
        lines.append("        columns:")
        lines += [_commented(f"          {name}: {_scalar(f.mapping)}", _why(f)) for name, f in fields.items()]
    if guess.attributes:
        lines.append(_commented("        attributes:", "columns that are no field: kept beside"))
        lines += [f"          {_scalar(name)}: {_scalar(column)}" for name, column in guess.attributes.items()]
    used = {f.column for f in guess.fields.values()} | set(guess.key) | set(guess.attributes.values())
    unused = [name for name in table.columns if name not in used]
    lines += [f"        # {note}" for note in guess.notes]
    lines += [
        f"        # REQUIRED AND NOT FOUND: {name}: {ENTITIES[guess.entity][name].description}"
        for name in guess.missing
    ]
    wanted = [n for n in _WANTED.get(guess.entity, ()) if n not in guess.fields and n not in guess.missing]
    if "given_name" in guess.fields and "full_name" in wanted:
        wanted.remove("full_name")
    if "net_amount" in wanted and "gross_amount" in guess.fields:
        wanted.remove("net_amount")
    if wanted:
        lines.append(f"        # not found: {', '.join(wanted)}")
    if unused:
        lines.append(f"        # delivered and not used: {', '.join(unused)}")
    if table.never:
        secrets = ", ".join(f"{name} ({what})" for name, what in table.never.items())
        lines.append(f"        # NEVER TAKEN: {secrets}")
    return lines


def _why(found: FieldGuess) -> str:
    parts = [part for part in found.evidence if part and part not in ("numbers", "dates")]
    if found.column is not None and found.score < 0.8 and isinstance(found.mapping, str):
        parts.append(f"a guess by its name ({found.score:.2f})")
    if found.runner_up:
        parts.append(f"else {found.runner_up}")
    return "; ".join(parts)


def _missing(tables: list[TableGuess]) -> list[str]:
    present = {guess.entity for guess in tables}
    lines = []
    if not {"transactions", "contracts"} & present:
        lines.append("# MISSING: nothing looks like transactions or contracts, and a company needs one of them.")
    absent = [
        e.name
        for e in ENTITIES.values()
        if not e.is_reference and e.name not in present and e.name not in ("transactions", "orders")
    ]
    if absent:
        lines.append(f"# Nothing looks like {', '.join(absent)}: what rests on them is left out of the marts.")
    return lines


def _commented(line: str, comment: str) -> str:
    return f"{line:<{_MARGIN}} # {comment}" if comment else line


def _scalar(value: Any) -> str:
    """A value on one line, quoted where YAML needs it."""
    flow = not isinstance(value, str)
    text = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True, width=10_000, sort_keys=False)
    return re.sub(r"\n\.\.\.\n?$", "", text).strip()
