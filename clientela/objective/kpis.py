"""The values of KPIs, month by month, for the company and for each part of what it is cut by.

Belongs here: adding up the rows of a month, and why there is no value. Does not belong here: which definitions are refused
(`definitions`), objectives (`progress`).

Every sum is one of decimals, so that it does not hang on the order of the rows, and every part is summed from the same finest
groups, so that parts sum to the whole. Ratios are computed from their sums alone.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

from clientela.errors import ConfigError
from clientela.objective.columns import COMPANY, FACTS, SEGMENTATIONS
from clientela.objective.definitions import Kpi, check_kpi, kpi_of, sealed, segment_column
from clientela.sql.quoting import quoted

VALUES_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "kpi": pl.String,
    "month": pl.Date,
    "scope": pl.String,
    "segment": pl.String,
    "numerator": pl.Float64,
    "denominator": pl.Float64,
    "value": pl.Float64,
    "no_value_reason": pl.String,
}
#: the part that rows without a segment are in
NO_SEGMENT = "none"
NOTHING = "nothing to measure in this month"
_LABELS = (*SEGMENTATIONS, *(f"previous_{name}" for name in SEGMENTATIONS), "channel")
#: the facts of which months stand
OF_CUSTOMERS = "customer_months"
_EXACT = "decimal(38, 9)"
#: what a row may add at most; more is taken for unknown, so that no sum runs over
_GREATEST = 10**20


def kpi_values(
    facts: Mapping[str, Callable[[], pa.RecordBatchReader | pa.Table]],
    definitions: Sequence[Mapping[str, Any]],
    months: Sequence[date],
    delivered: AbstractSet[str],
    since: date | None = None,
    earlier: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """One row per KPI, month and part of each scope that has rows; for the company as a whole, one for each of `months`.

    facts: by the name in FACTS what gives the rows, with its columns; each is read once, batch by batch, and only if a KPI
    asks for it. definitions: rows of the table `kpis`. delivered: the entities and reference tables that there are rows of.
    A definition that does not compute has no values, and the reason says so. since: the facts of customers' months are those
    from this day on, and what was said of the months before stands; `earlier` has it, as an answer gave it. Columns of
    VALUES_SCHEMA.
    """
    kpis: list[Kpi] = []
    rows: list[dict[str, Any]] = []
    with sealed() as db:
        kinds = {}
        for definition in definitions:
            try:
                kpi = kpi_of(definition)
                kinds[kpi.name] = check_kpi(db, kpi)
                kpis.append(kpi)
            except ConfigError as error:
                reason = f"the definition does not compute: {error.sentence}"
                rows += [_without_value(str(definition["kpi"]), month, reason) for month in months]
        for name, read in facts.items():
            asked = [kpi for kpi in kpis if kpi.facts == name]
            if asked:
                _group(db, name, read(), asked, kinds)
                for number, kpi in enumerate(asked):
                    rows += _values(db, kpi, number)
    found = {(row["kpi"], row["month"]) for row in rows if row["scope"] == COMPANY}
    for kpi in kpis:
        rows += [_without_value(kpi.name, month, None) for month in months if (kpi.name, month) not in found]
    reasons = {kpi.name: _why_nothing(kpi, delivered) for kpi in kpis}
    for row in rows:
        if row["value"] is None and row["no_value_reason"] is None:
            row["no_value_reason"] = reasons[row["kpi"]]
    values = pl.DataFrame(rows, schema=VALUES_SCHEMA, orient="row")
    if since is not None and earlier is not None:
        is_standing = (pl.col("month") < since) & pl.col("kpi").is_in([k.name for k in kpis if k.facts == OF_CUSTOMERS])
        values = pl.concat([values.filter(~is_standing), earlier.select(values.columns).filter(is_standing)])
    return values.sort("kpi", "scope", "segment", "month")


def _group(
    db: duckdb.DuckDBPyConnection,
    name: str,
    incoming: pa.RecordBatchReader | pa.Table,
    kpis: Sequence[Kpi],
    kinds: Mapping[str, Mapping[str, str]],
) -> None:
    """Make the table `finest`: by month and all that rows can be cut by, what each KPI adds up there, in one pass."""
    db.register("incoming", incoming)
    typed = ", ".join(
        f"cast({quoted(column)} as {kind}) as {quoted(column)}" for column, kind in FACTS[name].columns.items()
    )
    labels = ", ".join(f"coalesce({label}, '{NO_SEGMENT}') as _in_{label}" for label in _LABELS)
    taken = ", ".join(part for number, kpi in enumerate(kpis) for part in _taken(kpi, number, kinds[kpi.name]))
    summed = ", ".join(part for number, kpi in enumerate(kpis) for part in _summed(kpi, number))
    db.execute(
        f"""
        create or replace table finest as
        select _month, {", ".join(f"_in_{label}" for label in _LABELS)}, {summed}
        from (
            select month as _month, {labels}, {taken}
            from (select {typed} from incoming) as {quoted(name)}
            where month is not null
        ) as taken
        group by all
        """
    )
    db.unregister("incoming")


def _taken(kpi: Kpi, number: int, kinds: Mapping[str, str]) -> list[str]:
    """What a row gives: its numerator and denominator, null where it cannot be computed. A share's are true or false."""
    parts = []
    for letter, part in (("n", "numerator"), ("d", "denominator")):
        text = getattr(kpi, part)
        if text is None:
            continue
        if kpi.aggregation == "share":
            parts.append(f"try((\n{text}\n)) as _{letter}{number}")
        else:
            inner = f"cast((\n{text}\n) as integer)" if kinds[part] == "BOOLEAN" else f"(\n{text}\n)"
            exact = f"try(cast({inner} as {_EXACT}))"
            parts.append(f"case when abs({exact}) < {_GREATEST} then {exact} end as _{letter}{number}")
    return parts


def _summed(kpi: Kpi, number: int) -> list[str]:
    """Numerator, denominator and number of the rows that count: those where all that is needed is known."""
    n, d = f"_n{number}", f"_d{number}"
    if kpi.aggregation == "share":
        counts = f"{d} and {n} is not null" if kpi.denominator else f"{n} is not null"
        return [f"count(*) filter ({counts} and {n}) as {n}", *_counted(d, number, counts)]
    if kpi.aggregation == "ratio":
        counts = f"{n} is not null and {d} is not null"
        return [
            f"sum({n}) filter ({counts}) as {n}", f"sum({d}) filter ({counts}) as {d}",
            f"count(*) filter ({counts}) as _k{number}",
        ]  # fmt: skip
    return [f"sum({n}) as {n}", *_counted(d, number, f"{n} is not null")]


def _counted(name: str, number: int, counts: str) -> list[str]:
    return [f"count(*) filter ({counts}) as {name}", f"count(*) filter ({counts}) as _k{number}"]


def _values(db: duckdb.DuckDBPyConnection, kpi: Kpi, number: int) -> list[dict[str, Any]]:
    """The KPI's rows: the company's, and those of each part of its scopes."""
    asked = [(COMPANY, f"'{COMPANY}'"), *((scope, f"_in_{segment_column(kpi, scope)}") for scope in kpi.scopes)]
    is_sum = kpi.aggregation == "sum"
    over = "cast(null as double)" if is_sum else f"cast(sum(_d{number}) as double)"
    value = f"cast(sum(_n{number}) as double)"
    if not is_sum:
        value += f" / nullif({over}, 0)"
    found = db.execute(
        " union all ".join(
            f"""
            select _month, '{scope}', {column}, cast(sum(_n{number}) as double), {over}, {value}
            from finest group by all having sum(_k{number}) > 0
            """
            for scope, column in asked
        )
    ).fetchall()
    names = ("month", "scope", "segment", "numerator", "denominator", "value")
    return [{"kpi": kpi.name, **dict(zip(names, row, strict=True)), "no_value_reason": None} for row in found]


def _why_nothing(kpi: Kpi, delivered: AbstractSet[str]) -> str:
    missing = [need for need in kpi.needs if need not in delivered]
    return f"missing: {', '.join(missing)}" if missing else NOTHING


def _without_value(kpi: str, month: date, reason: str | None) -> dict[str, Any]:
    return {
        "kpi": kpi, "month": month, "scope": COMPANY, "segment": COMPANY, "numerator": None, "denominator": None,
        "value": None, "no_value_reason": reason,
    }  # fmt: skip
