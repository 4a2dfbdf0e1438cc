"""A run for a past day: a full refresh in a scratch file, published beside, remembering nothing."""

from datetime import date, datetime
from functools import partial
from pathlib import Path

import duckdb

from clientela.config.company import Config
from clientela.errors import NotPublishedError
from clientela.pipeline.as_of import first_day
from clientela.pipeline.open_run import take_steps
from clientela.pipeline.pipeline_run import PipelineRun
from clientela.pipeline.progress import Watcher, silent
from clientela.pipeline.run_summary import Report
from clientela.sql.quoting import literal, quoted
from clientela.transform import SCRATCH_FILE
from clientela.value.tables import SETTLED_TABLES
from clientela.warehouse import tables


def run_as_of(config: Config, as_of: date, known_at: datetime | None = None, watch: Watcher = silent) -> Report:
    """Publish the marts of a past day, with what was loaded by `known_at`; by default all that is loaded."""
    return take_steps(config, "as_of", watch, None, partial(_publish_past_day, as_of=as_of, known_at=known_at))


def _publish_past_day(run: PipelineRun, *, as_of: date, known_at: datetime | None) -> None:
    scratch = run.config.data / "scratch" / SCRATCH_FILE
    try:
        run.known_at = known_at or run.now
        _prepare_scratch(run, scratch, as_of, is_known_at=known_at is not None)
        run.transform_scratch(scratch)
        run.publish_beside(as_of)
        run.as_of_on = as_of
        run.write_report()
    finally:
        run.session.build_in(run.config.warehouse)
        for leftover in (scratch, scratch.with_name(f"{scratch.name}.wal")):
            leftover.unlink(missing_ok=True)


def _prepare_scratch(run: PipelineRun, scratch: Path, as_of: date, *, is_known_at: bool) -> None:
    """A file whose raw, ledger and memory are views of the warehouse, as they were on the as-of day.

    With what was known by an instant all models are fitted anew: what memory holds of them may rest on what came later.
    """
    config = run.config
    scratch.parent.mkdir(parents=True, exist_ok=True)
    scratch.unlink(missing_ok=True)
    first = first_day(run.connection, config)
    if first is None or as_of < first:
        raise NotPublishedError(f"Nothing is dated on or before {as_of}; there is nothing to publish for that day.")
    copied = run.connection.execute(
        "select schema_name, table_name from duckdb_tables() where schema_name in ('raw', 'ledger', 'memory') and not temporary"
    ).fetchall()
    run.session.close()
    connection = duckdb.connect(str(scratch))
    try:
        connection.execute(f"attach {literal(str(config.warehouse))} as warehouse (read_only)")
        for schema in ("raw", "ledger", "memory", "run", "identity", "forecast"):
            connection.execute(f"create schema {schema}")
        for schema, table in copied:
            seen = (
                f"where run_id in (select run_id from warehouse.ledger.runs where as_of_on <= date '{as_of.isoformat()}')"
                if schema == "memory" and table not in ("keys", "schema_version")
                else ""
            )
            if is_known_at and schema == "memory" and table in SETTLED_TABLES:
                seen = "where false"
            name = f"{schema}.{quoted(table)}"
            connection.execute(f"create view {name} as select * from warehouse.{name} {seen}")
        connection.execute(f"create table run.context ({tables.CONTEXT})")
        connection.execute(f"create table run.built ({tables.BUILT})")
        tables.prepare_built(connection)
        tables.prepare_identity(connection)
        tables.prepare_forecast(connection)
        connection.execute(f"create view ledger.source_state as {tables.source_state_sql()}")
    finally:
        connection.close()
    run.session.build_in(scratch)
    run.set_context(as_of)
