"""Rule segments: SQL predicates over the columns of one customer's row, checked before they are used.

Belongs here: the check, and the predicates applied to rows. Does not belong here: which expressions are harmless
(`clientela.sql.expressions`), the company's segments themselves.

A predicate is one boolean expression over named columns: no subquery, no other table, no file, no aggregate, nothing
that differs from run to run. It is parsed, bound and answered by a DuckDB of its own, in memory, that cannot reach
anything outside: no template and no other engine ever meets it. A segment's name is not part of any SQL.
"""

from collections.abc import Mapping, Sequence

import duckdb
import polars as pl
import pyarrow as pa

from clientela.errors import ConfigError
from clientela.segment.columns import RULE_COLUMNS
from clientela.segment.settings import RuleSegment
from clientela.sql.expressions import check_expression
from clientela.sql.quoting import quoted


def check_segments(
    segments: Sequence[RuleSegment], columns: Mapping[str, str], where: str = "segments"
) -> dict[str, set[str]]:
    """Refuse the first segment that is not a predicate over `columns`; give the columns that each reads, by name.

    columns: name -> DuckDB type of the row that the predicates are for. where: the configuration's key path, for the
    sentence of the ConfigError.
    """
    names = [segment.name for segment in segments]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"{where}: the segment {twice[0]!r} is defined more than once.")
    with _sealed() as db:
        declared = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
        db.execute(f"create table customer ({declared})")
        return {segment.name: _check(db, segment, list(columns), f"{where}.{segment.name}") for segment in segments}


def rule_segments(
    rows: pa.RecordBatchReader | pa.Table,
    segments: Sequence[RuleSegment],
    columns: Mapping[str, str] = RULE_COLUMNS,
    otherwise: str = "other",
) -> pl.DataFrame:
    """customer_id and measured_on of each row, with `rule_segment`: the name of the first segment whose predicate holds.

    rows: customer_id, measured_on and `columns`, which the predicates are checked against; they are read once, batch by
    batch. What a predicate answers with null does not hold.
    """
    check_segments(segments, columns)
    with _sealed() as db:
        db.register("incoming", rows)
        typed = ", ".join(f"cast({quoted(name)} as {kind}) as {quoted(name)}" for name, kind in columns.items())
        holds = " ".join(f"when (\n{segment.predicate}\n) then {i}" for i, segment in enumerate(segments))
        answered = db.sql(
            f"""
            select _customer_id as customer_id, _measured_on as measured_on,
                cast({f"case {holds} end" if holds else "null"} as integer) as _first
            from (select customer_id as _customer_id, measured_on as _measured_on, {typed} from incoming) as customer
            """
        ).pl()
    names = dict(enumerate(segment.name for segment in segments))
    named = pl.col("_first").replace_strict(names, default=otherwise, return_dtype=pl.String)
    found: pl.DataFrame = answered.select("customer_id", "measured_on", rule_segment=named)
    return found


def predicate_flags(
    rows: pa.Table, predicates: Sequence[str], columns: Mapping[str, str] = RULE_COLUMNS
) -> pl.DataFrame:
    """customer_id of each row, and one boolean for each predicate, named by its number: whether it holds.

    rows: customer_id and what of `columns` the predicates read, which `check_segments` has let pass.
    """
    with _sealed() as db:
        db.register("incoming", rows)
        typed = [
            f"cast({quoted(name)} as {columns[name]}) as {quoted(name)}"
            for name in rows.column_names
            if name in columns
        ]
        inner = ", ".join(["customer_id as _customer_id", *typed])
        holds = [f'coalesce((\n{predicate}\n), false) as "{number}"' for number, predicate in enumerate(predicates)]
        shown = ", ".join(["_customer_id as customer_id", *holds])
        flags: pl.DataFrame = db.sql(f"select {shown} from (select {inner} from incoming) as customer").pl()
    return flags


def _check(db: duckdb.DuckDBPyConnection, segment: RuleSegment, columns: list[str], where: str) -> set[str]:
    used = check_expression(db, segment.predicate, columns, where)
    if not used:
        raise ConfigError(f"{where}: {segment.predicate!r} reads no column, so it is the same for every customer.")
    try:
        kind = db.execute(f"describe select (\n{segment.predicate}\n) from customer").fetchall()[0][1]
    except duckdb.Error as error:
        reason = str(error).split("\n")[0]
        raise ConfigError(f"{where}: {segment.predicate!r} does not fit the columns' types: {reason}") from error
    if kind != "BOOLEAN":
        raise ConfigError(f"{where}: {segment.predicate!r} gives {kind}, a predicate gives true or false.")
    return used


def _sealed() -> duckdb.DuckDBPyConnection:
    """A private database in memory that reads no file, no setting of the process and no variable of Python's."""
    options: dict[str, str | bool | int | float | list[str]] = {
        "enable_external_access": False,
        "python_enable_replacements": False,
        "threads": 1,
    }
    return duckdb.connect(":memory:", config=options)
