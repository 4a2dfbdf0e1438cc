"""Running a suite with Great Expectations, inside DuckDB, on the connection that holds the staged batch.

Great Expectations' fluent data source opens connections of its own and loses them; its validator takes any SQLAlchemy
engine. Ours hands it the one connection we already have, so that temporary tables are seen and nothing is copied.
Importing it costs seconds: only a night with a new batch does.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from clientela.contracts.expectations import Expect
from clientela.load.gate.late_imports import import_late
from clientela.masking import without_values
from clientela.sql.quoting import quoted
from clientela.wording import counted

NOT_NULL = "ExpectColumnValuesToNotBeNull"
#: examples that a report shows of values that fail
EXAMPLES = 5
#: a share means something from so many rows on that are not as expected; before, only all of them do
MIN_ROWS_OFF = 5


@dataclass(frozen=True)
class Check:
    """How one expectation came out. `unexpected_share` is of the rows that had a value, 0 to 1."""

    expect: Expect
    is_met: bool
    observed: str
    unexpected_count: int | None
    unexpected_share: float | None
    examples: tuple[str, ...]
    #: the rows that had a value, and the value of a measure
    rows: int | None = None
    value: float | None = None
    #: the first rows that are not as expected: file, row and value
    offenders: tuple[tuple[str, int | None, str | None], ...] = ()

    @property
    def is_asked(self) -> bool:
        """Whether there was anything to look at: a measure that can be taken, a row with a value."""
        if self.expect.on == "batch_metrics":
            return self.value is not None or not self.is_met
        return self.expect.type == NOT_NULL or self.rows != 0

    @property
    def refuses(self) -> bool:
        return not self.is_met and self.expect.severity == "critical"


def validate(connection: duckdb.DuckDBPyConnection, suite: Sequence[Expect]) -> list[Check]:
    """Judge the temporary relations `gated` and `batch_metrics`. An expectation that cannot be computed is not met."""
    checks: list[Check] = []
    for relation, on in (("gated", "rows"), ("batch_metrics", "batch_metrics")):
        known = {row[0] for row in connection.execute(f"describe {relation}").fetchall()}
        is_empty = not connection.execute(f"select 1 from {relation} limit 1").fetchall()
        applicable = [e for e in suite if e.on == on and e.column in known]
        if applicable and not is_empty:
            checks += _validate(connection, relation, applicable)
    judged = [_in_few_rows(connection, check) for check in checks]
    return [replace(c, offenders=_offenders(connection, c.expect)) if _has_offenders(c) else c for c in judged]


def _has_offenders(check: Check) -> bool:
    return not check.is_met and check.expect.on == "rows" and bool(check.unexpected_count)


def _offenders(connection: duckdb.DuckDBPyConnection, expect: Expect) -> tuple[tuple[str, int | None, str | None], ...]:
    """The first rows of the batch that an expectation of single values is not met by."""
    column = quoted(expect.column or "")
    bounds = {name: expect.arguments.get(name) for name in ("min_value", "max_value")}
    values = {name: bound for name, bound in bounds.items() if bound is not None}
    if expect.type == NOT_NULL:
        unmet = f"{column} is null"
    elif "value_set" in expect.arguments:
        values = {"value_set": expect.arguments["value_set"]}
        unmet = f"{column} not in (select unnest($value_set))"
    else:
        unmet = " or ".join(f"{column} {'<' if name == 'min_value' else '>'} ${name}" for name in values) or "false"
    return tuple(
        connection.execute(
            f"""
            select file_name, source_row, cast({column} as varchar)
            from gated join batch_files using (file_index) where {unmet}
            order by file_index, source_row limit {EXAMPLES}
            """,
            values,
        ).fetchall()
    )


def _in_few_rows(connection: duckdb.DuckDBPyConnection, check: Check) -> Check:
    """The check, met where it is a share that a few rows alone make."""
    if check.is_met or not check.expect.is_share:
        return check
    rows, off = check.rows, check.unexpected_count
    if check.expect.on == "batch_metrics" and check.value is not None:
        column = f"{check.expect.column}_of"
        if column not in {row[0] for row in connection.execute("describe batch_metrics").fetchall()}:
            return check
        rows = int(connection.execute(f"select {quoted(column)} from batch_metrics").fetchall()[0][0])
        share_off = check.value if check.expect.arguments.get("max_value") else 1 - check.value
        off = round(share_off * rows)
    if rows is None or off is None or off >= min(MIN_ROWS_OFF, rows):
        return check
    return replace(check, is_met=True, observed=f"{off} of {counted(rows, 'row')}, too few to tell")


def _validate(connection: duckdb.DuckDBPyConnection, relation: str, suite: Sequence[Expect]) -> list[Check]:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    # what expectations that no suite holds are computed with: a quarter of what importing costs
    import_late("scipy.stats")
    import great_expectations.expectations as gxe
    import sqlalchemy
    from duckdb_sqlalchemy import ConnectionWrapper
    from great_expectations.core.batch import Batch
    from great_expectations.execution_engine import SqlAlchemyExecutionEngine
    from great_expectations.execution_engine.sqlalchemy_batch_data import SqlAlchemyBatchData
    from great_expectations.validator.validator import Validator

    class Engine(SqlAlchemyExecutionEngine):
        """The dialect's own engine closes the connection behind a cursor it still reads; this one keeps it."""

        @contextmanager
        def get_connection(self) -> Iterator[Any]:
            if self._connection is None:
                self._connection = self.engine.connect()
            yield self._connection

    class Kept(ConnectionWrapper):
        """The pool closes and rolls back what it made; this connection is not its to end."""

        def close(self) -> None:
            pass

        def rollback(self) -> None:
            pass

    engine = Engine(
        engine=sqlalchemy.create_engine(
            "duckdb://",
            creator=lambda: Kept(connection),
            poolclass=sqlalchemy.StaticPool,
            isolation_level="AUTOCOMMIT",
        )
    )
    data = SqlAlchemyBatchData(execution_engine=engine, table_name=relation, create_temp_table=False)
    validator = Validator(execution_engine=engine, batches=[Batch(data=data)])
    validator.metrics_calculator.show_progress_bars = False
    configurations = [
        getattr(gxe, e.type)(column=e.column, severity=e.severity, **e.arguments).configuration for e in suite
    ]
    results = validator.graph_validate(configurations=configurations)
    # the validator answers in an order of its own
    by_question = {_question(r.expectation_config.type, r.expectation_config.kwargs): r for r in results}
    return [_check(e, by_question[_question(c.type, c.kwargs)]) for e, c in zip(suite, configurations, strict=True)]


def _question(kind: str, arguments: dict[str, Any]) -> tuple[str, str]:
    named = {name: value for name, value in arguments.items() if name != "batch_id"}
    return kind, repr(sorted(named.items(), key=lambda item: item[0]))


def _check(expect: Expect, result: Any) -> Check:
    found = result.result or {}
    failures = [info for info in _exceptions(result.exception_info) if info]
    if failures:
        return Check(expect, False, f"could not be computed: {without_values(failures[0])}", None, None, ())
    if expect.on == "batch_metrics":
        value = found.get("observed_value")
        # a measure that cannot be taken is no fault
        is_met = value is None or bool(result.success)
        return Check(expect, is_met, "" if value is None else figure(value), None, None, (), value=value)
    count = found.get("unexpected_count")
    percent = found.get("unexpected_percent")
    examples = tuple(dict.fromkeys(str(v) for v in found.get("partial_unexpected_list") or [] if v is not None))
    return Check(
        expect,
        bool(result.success),
        f"{count:,} of {counted(found.get('element_count') or 0, 'row')}" if count is not None else "",
        count,
        percent / 100 if percent is not None else None,
        examples[:EXAMPLES],
        found.get("element_count"),
    )


def figure(value: float) -> str:
    """A measure as a person reads it: `1,250`, `0.133`."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == round(value) else f"{value:.3g}"


def _exceptions(info: Any) -> Iterator[str]:
    if not isinstance(info, dict):
        return
    if "raised_exception" in info:
        if info["raised_exception"]:
            yield str(info.get("exception_message"))
        return
    for inner in info.values():
        yield from _exceptions(inner)
