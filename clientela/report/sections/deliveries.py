"""What the gates refused last night: batches and rows, masked, with what to do about each."""

import re

from clientela.report.published import Row
from clientela.report.sections.section import Cell, Missing, Night, Section, Table, cells

#: where the batch's page lies, seen from the report
GATE = "gate"
#: kinds of rows that stand open, and characters that are shown of a value
GROUPS, SHOWN = 5, 40
#: reasons of quarantine that tell numbers
FAULTS = (
    (r"the line has (?P<found>\d+) fields where the header has (?P<expected>\d+)", "fields"),
    (r"the line has (?P<found>\d+) characters, not (?P<expected>\d+)", "characters"),
    (r"no exchange rate .*", "no_exchange_rate"),
)
#: how a reason of quarantine begins → what to do about it
REMEDIES = (
    ("not an amount", "number"), ("not a number", "number"), ("not a whole", "number"), ("not a da", "day"), ("not a time", "day"),
    ("dated", "future"), ("the key is empty", "key"), ("a value is required", "required"), ("no exchange", "rate"),
    ("repeated", "repeated"),
)  # fmt: skip


def gates(night: Night) -> Section | Missing:
    """Refused batches, warnings, and the rows set aside by reason."""
    texts, batches, rows, checks = night.texts, night.ask("refused"), night.ask("quarantined"), night.ask("checks")
    title = texts("gates.title")
    refused = [row for row in batches.rows if row["status"] == "refused"]
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows.rows:
        groups.setdefault((row["source"], row["entity"], row["field"] or "", row["reason"]), []).append(row)
    set_aside = sum(row["quarantined_rows"] or 0 for row in batches.rows)
    warned = [row for row in batches.rows if row["warning_count"] and row["status"] != "refused"]
    sentences = []
    if refused:
        sentences.append(texts("gates.refused", count=len(refused)))
    if set_aside:
        sentences.append(texts("gates.set_aside", count=set_aside))
    if not refused and not set_aside:
        sentences.append(texts("gates.nothing"))
    if warned:
        sentences.append(texts("gates.warned", count=len(warned)))
    tables = []
    if batches.rows:
        tables.append(
            Table(
                texts("gates.batches"),
                [texts(f"gates.{key}") for key in ("batch", "verdict", "set_aside_rows", "warnings", "reason")],
                [
                    [
                        _batch(row), Cell(texts(f"gates.{'refused_one' if row['status'] == 'refused' else 'loaded_one'}")),
                        Cell(texts.number(row["quarantined_rows"] or 0)), Cell(texts.number(row["warning_count"] or 0)),
                        Cell(_reason(night, row)),
                    ]
                    for row in batches.rows
                ],
                numbers=(2, 3), layout="cards",
            )
        )  # fmt: skip
    rest: list[Table] = []
    if groups:
        first, more = list(groups.items())[:GROUPS], list(groups.items())[GROUPS:]
        tables.append(_rows_table(night, texts("gates.rows"), first))
        rest = [_rows_table(night, texts("gates.more_rows"), more)] if more else []
    notes = [texts("gates.masked")] if groups else []
    queries = [batches.query, checks.query, rows.query]
    return Section("gates", title, sentences, tables=tables, folded_tables=rest, notes=notes, queries=queries)


def _rows_table(night: Night, caption: str, groups: list[tuple[tuple[str, ...], list[Row]]]) -> Table:
    texts = night.texts
    return Table(
        caption,
        [texts(f"gates.{key}") for key in ("where", "rows_of", "why", "examples", "what_to_do")],
        [
            cells(
                ".".join(part for part in (source, entity, field) if part), texts.number(found[0]["alike"]),
                _fault(night, reason), _example(night, found), texts(f"remedy.{_remedy(reason)}"),
            )
            for (source, entity, field, reason), found in groups
        ],
        numbers=(1,), layout="cards",
    )  # fmt: skip


def _batch(row: Row) -> Cell:
    name = f"{row['source']}.{row['feed']} · {row['batch_id']}"
    return Cell(name, href=f"{GATE}/{row['validation_report']}" if row["validation_report"] else "")


def _example(night: Night, found: list[Row]) -> str:
    """Where the first rows of a kind stand, and what the first of them looks like."""
    texts, first = night.texts, found[0]
    rows = [str(row["source_row"]) for row in found if row["source_file"] == first["source_file"] and row["source_row"]]
    if not rows:
        return str(first["source_file"])
    place = texts(
        "gates.at" if len(rows) == 1 else "gates.at_rows", file=str(first["source_file"]), rows=", ".join(rows)
    )
    value = str(first["shown_value"] or "")
    if not value:
        return place
    value = value if len(value) <= SHOWN else f"{value[:SHOWN]}…"
    return texts("gates.looks_like" if first["is_shape"] else "gates.value", place=place, value=value)


def _fault(night: Night, reason: str) -> str:
    """A reason of quarantine in the company's language, where the catalogue has it."""
    for pattern, key in FAULTS:
        if match := re.fullmatch(pattern, reason):
            return night.texts(f"fault.{key}", count=None, **match.groupdict())
    return night.texts.label("fault", reason)


def _remedy(reason: str) -> str:
    return next((remedy for beginning, remedy in REMEDIES if reason.startswith(beginning)), "other")


def _reason(night: Night, row: Row) -> str:
    """What the checks found of a batch that did not meet them, in the company's language where the catalogue has it."""
    texts, is_refused = night.texts, row["status"] == "refused"
    found = [
        texts("gates.found", sentence=_expectation(night, check), observed=check["observed"])
        for check in night.ask("checks").rows
        if check["batch_id"] == row["batch_id"] and (check["severity"] == "critical" or not is_refused)
    ]
    if not is_refused:
        return " ".join(found)
    return " ".join([*(found or [row["reason"] or ""]), texts("remedy.refused")])


def _expectation(night: Night, check: Row) -> str:
    texts, name = night.texts, check["expectation"]
    if (known := texts.label("expectation", name)) != name:
        return known
    kind = next((kind for kind in ("is_known", "in_range", "is_given") if name.endswith(f"_{kind}")), None)
    return texts(f"expectation.{kind}", column=check["column_name"]) if kind else check["description"]
