"""Rule segments: SQL predicates over the columns of one customer's row, checked before they are used.

Belongs here: the check, the SQL that a model holds, and the same applied to a frame. Does not belong here: which
expressions are harmless (`clientela.extract.expressions`), the company's segments themselves.

A predicate is one boolean expression over named columns: no subquery, no other table, no file, no aggregate, nothing
that differs from run to run. It is parsed and bound by a DuckDB of its own, in memory, that cannot reach anything
outside.
"""

from collections.abc import Mapping, Sequence

import duckdb
import polars as pl

from clientela.errors import ConfigError
from clientela.extract.expressions import check_expression
from clientela.segment.settings import RuleSegment


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
        declared = ", ".join(f"{_quoted(name)} {kind}" for name, kind in columns.items())
        db.execute(f"create table customer ({declared})")
        return {segment.name: _check(db, segment, list(columns), f"{where}.{segment.name}") for segment in segments}


def membership_sql(segments: Sequence[RuleSegment]) -> dict[str, str]:
    """Per segment the SQL condition, never null, to be put into a model; only for segments that were checked."""
    return {segment.name: f"coalesce((\n{segment.predicate}\n), false)" for segment in segments}


def first_match_sql(segments: Sequence[RuleSegment], otherwise: str = "other") -> str:
    """One SQL expression: the name of the first segment whose predicate holds; only for segments that were checked."""
    whens = " ".join(f"when {sql} then {_text(name)}" for name, sql in membership_sql(segments).items())
    return f"case {whens} else {_text(otherwise)} end" if segments else _text(otherwise)


def memberships(rows: pl.DataFrame, segments: Sequence[RuleSegment], otherwise: str = "other") -> pl.DataFrame:
    """`rows`' customer_id (and month_end, if there) with `segment`, the first whose predicate holds, and `segments`,
    all of them joined by ', ' (null for none). In the rows' order; the segments are checked against the rows'
    columns."""
    keys = [name for name in ("customer_id", "month_end") if name in rows.columns]
    with _sealed() as db:
        db.register("incoming", rows.with_row_index("_row").to_arrow())
        db.execute("create table customer as from incoming")
        columns = {name: kind for name, kind, *_ in db.execute("describe customer").fetchall() if name != "_row"}
        check_segments(segments, columns)
        each = [f"case when {sql} then {_text(name)} end" for name, sql in membership_sql(segments).items()]
        every = f"nullif(concat_ws(', ', {', '.join(each)}), '')" if each else "cast(null as varchar)"
        parts = [*map(_quoted, keys), f"{first_match_sql(segments, otherwise)} as segment", f"{every} as segments"]
        found: pl.DataFrame = db.sql(f"select {', '.join(parts)} from customer order by _row").pl()
    return found


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


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
