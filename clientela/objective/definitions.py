"""What a KPI and an objective are, and which definitions are refused.

Belongs here: the two, made from a row of their reference tables, and the check of every expression. Does not belong here:
which expressions are harmless (`clientela.sql.expressions`), values.

A KPI's numerator and denominator are one SQL expression each over the columns of one row of its facts: no subquery, no
other table, no file, no aggregate, nothing that differs from run to run. They are parsed and bound by a DuckDB of its own,
in memory, that can reach nothing outside.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from clientela.errors import ClientelaError, ConfigError
from clientela.objective.columns import AGGREGATIONS, AREAS, COMPANY, FACTS, SCOPES, SEGMENTATIONS
from clientela.sql.expressions import check_expression
from clientela.sql.quoting import quoted
from clientela.wording import did_you_mean

#: as a column of a table and as text of the shipped file
_BOOLEANS = {"true": True, "false": False}
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "UBIGINT", "UINTEGER")


@dataclass(frozen=True)
class Kpi:
    """A KPI as it is defined: what is added up over the rows of a month, and over what it is divided."""

    name: str
    aggregation: str
    facts: str
    numerator: str
    denominator: str | None = None
    #: what it may be cut by, beside the company
    scopes: tuple[str, ...] = ()
    #: customers are in the segment in which they began the month; False: ended it
    is_cut_at_start: bool = False
    #: the entities and reference tables without which it says nothing
    needs: tuple[str, ...] = ()
    unit: str = ""
    #: more is better, less is; None: neither
    is_higher_better: bool | None = None


@dataclass(frozen=True)
class Objective:
    """A KPI that is to reach a target by a day."""

    name: str
    kpi: str
    target: float
    due_on: date
    started_on: date
    #: the target is a change of the baseline, as a share of it; False: the value to be reached
    is_change: bool = False
    baseline: float | None = None
    scope: str = COMPANY
    segment: str = COMPANY
    #: months that a value is taken over
    months: int = 1


def kpi_of(row: Mapping[str, Any]) -> Kpi:
    """The KPI of a row of the table `kpis`; raises ConfigError, a sentence that names it, where it is none that computes."""
    name = str(row["kpi"])
    where = f"the KPI {name!r}"
    aggregation = _one_of(row.get("aggregation"), AGGREGATIONS, where, "aggregation")
    facts = _one_of(row.get("mart"), tuple(FACTS), where, "mart")
    numerator = _text(row.get("numerator"))
    denominator = _text(row.get("denominator"))
    if numerator is None:
        raise ConfigError(f"{where} has no numerator; give an expression over the columns of {facts}.")
    if aggregation == "ratio" and denominator is None:
        raise ConfigError(f"{where} is a ratio and has no denominator; give one, or make it a sum.")
    if aggregation in ("sum", "mean") and denominator is not None:
        raise ConfigError(f"{where} is a {aggregation}, which has no denominator; leave it empty, or make it a ratio.")
    there = FACTS[facts].scopes
    scopes = _listed(row.get("scopes")) or there
    for scope in scopes:
        _one_of(scope, SCOPES, where, "scopes")
    at = _one_of(row.get("segments_at") or "end", ("start", "end"), where, "segments_at")
    return Kpi(
        name, aggregation, facts, numerator, denominator, tuple(s for s in there if s in scopes), at == "start",
        _listed(row.get("needs")), _text(row.get("unit")) or "", _BOOLEANS.get(str(row.get("is_higher_better")).lower()),
    )  # fmt: skip


def check_kpi(db: duckdb.DuckDBPyConnection, kpi: Kpi) -> dict[str, str]:
    """The types of its expressions by name (`numerator`, `denominator`); ConfigError for the first that does not compute."""
    kinds = {}
    for part in ("numerator", "denominator"):
        text = getattr(kpi, part)
        if text is None:
            continue
        where = f"the KPI {kpi.name!r}, {part}"
        check_expression(db, text, list(FACTS[kpi.facts].columns), where, _unknown_column(kpi.facts), "a KPI")
        try:
            kind = db.execute(f"describe select (\n{text}\n) from {quoted(kpi.facts)}").fetchall()[0][1]
        except duckdb.Error as error:
            reason = str(error).split("\n")[0]
            raise ConfigError(f"{where}: {text!r} does not fit the columns' types: {reason}") from None
        wanted = ("BOOLEAN",) if kpi.aggregation == "share" else ("BOOLEAN", *_NUMBERS)
        if kind.split("(")[0] not in wanted:
            sought = "true or false" if kpi.aggregation == "share" else "a number"
            raise ConfigError(f"{where}: {text!r} gives {kind}; a {kpi.aggregation} needs {sought}.")
        kinds[part] = kind
    return kinds


def check_kpis(rows: Collection[Mapping[str, Any]]) -> list[Kpi]:
    """The KPIs of these rows of the table `kpis`; ConfigError for the first that does not compute."""
    with sealed() as db:
        kpis = [kpi_of(row) for row in rows]
        for kpi in kpis:
            check_kpi(db, kpi)
    return kpis


def readable_kpis(rows: Iterable[Mapping[str, Any]]) -> dict[str, Kpi]:
    """By name the KPIs of those rows that are complete; the others have no values, and their values say why."""
    found = {}
    for row in rows:
        try:
            found[str(row["kpi"])] = kpi_of(row)
        except ConfigError:
            continue
    return found


def objective_of(row: Mapping[str, Any], kpis: Mapping[str, Kpi]) -> Objective:
    """The objective of a row of the table `objectives`, of one of these KPIs; ConfigError where it is none that computes."""
    name = str(row["objective"])
    where = f"the objective {name!r}"
    kpi = kpis.get(str(row["kpi"]))
    if kpi is None:
        raise ConfigError(f"{where}: there is no KPI {row['kpi']!r}{_nearest(str(row['kpi']), kpis)}")
    if _text(row.get("area")) is not None:
        _one_of(row["area"], AREAS, where, "area")
    scope = _one_of(row.get("scope") or COMPANY, (COMPANY, *SCOPES), where, "scope")
    segment = _text(row.get("segment"))
    if scope != COMPANY and scope not in kpi.scopes:
        raise ConfigError(f"{where}: the KPI {kpi.name!r} is not cut by {scope}; it is by {', '.join(kpi.scopes)}.")
    if (scope == COMPANY) != (segment is None):
        raise ConfigError(f"{where}: give scope and segment together, or neither for the whole company.")
    due_on = row["due_on"]
    started_on = row.get("started_on") or date(due_on.year - 1, due_on.month, 1)
    if months_between(started_on, due_on) < 0:
        raise ConfigError(f"{where} is due on {due_on}, before it begins on {started_on}; give a later due_on.")
    months = 1 if row.get("months") is None else int(row["months"])
    if months < 1:
        raise ConfigError(f"{where}: months is {months}; a value is taken over one month or more.")
    baseline = row.get("baseline")
    kind = _one_of(row.get("target_kind") or "value", ("value", "change"), where, "target_kind")
    return Objective(
        name, kpi.name, float(row["target"]), due_on, started_on, kind == "change",
        None if baseline is None else float(baseline), scope, segment or COMPANY, months,
    )  # fmt: skip


def months_between(first: date, second: date) -> int:
    """Months from the one's month to the other's."""
    return (second.year - first.year) * 12 + second.month - first.month


def sealed() -> duckdb.DuckDBPyConnection:
    """A private database in memory with an empty table per kind of facts; it reads no file, no setting of the process and no
    variable of Python's."""
    options: dict[str, str | bool | int | float | list[str]] = {
        "enable_external_access": False,
        "python_enable_replacements": False,
        "threads": 1,
    }
    db = duckdb.connect(":memory:", config=options)
    for name, facts in FACTS.items():
        declared = ", ".join(f"{quoted(column)} {kind}" for column, kind in facts.columns.items())
        db.execute(f"create table {quoted(name)} ({declared})")
    return db


def segment_column(kpi: Kpi, scope: str) -> str:
    """The column of its facts that says in which part of a scope a row is."""
    return f"previous_{scope}" if kpi.is_cut_at_start and scope in SEGMENTATIONS else scope


def _unknown_column(facts: str) -> Any:
    def unknown(where: str, name: str, columns: Collection[str]) -> ClientelaError:
        return ConfigError(f"{where}: {facts} has no column {name!r}{_nearest(name, columns)}")

    return unknown


def _nearest(name: str, names: Collection[str]) -> str:
    return did_you_mean(name, names) or f"; there are: {', '.join(names)}."


def _one_of(value: object, values: Collection[str], where: str, column: str) -> str:
    text = _text(value)
    if text is None:
        raise ConfigError(f"{where} has no {column}; give one of {', '.join(values)}.")
    if text.lower() not in values:
        raise ConfigError(f"{where}: {column} is {text!r}; it is one of {', '.join(values)}.")
    return text.lower()


def _text(value: object) -> str | None:
    text = "" if value is None else str(value).strip()
    return text or None


def _listed(value: object) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in str(value or "").split(",") if part.strip())
