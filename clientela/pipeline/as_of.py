"""A run for a past day: built from nothing in a scratch file, published beside, remembering nothing."""

from datetime import date, datetime
from pathlib import Path

import duckdb

from clientela import transform
from clientela.config.company import Config
from clientela.errors import (
    NotPublishedError,
)
from clientela.pipeline.nightly import PipelineRun, Watcher, reported, silent
from clientela.pipeline.run_summary import Report
from clientela.sql.quoting import literal, quoted
from clientela.warehouse import tables


def run_as_of(config: Config, as_of: date, known_at: datetime | None = None, watch: Watcher = silent) -> Report:
    """The marts as they are for a past day: built from nothing in a scratch file, published beside, remembering nothing."""
    scratch = config.data / "scratch" / "as_of.duckdb"

    def steps(night: PipelineRun) -> None:
        try:
            night.known_at = known_at or night.now
            _prepare_scratch(night, scratch, as_of)
            watch("transform", "models", "")
            night.close()
            night.results = transform.build(config, night._on_node, scratch)
            night.raise_on_failures(night.results)
            night.publish_beside(as_of)
            night.as_of_on = as_of
        finally:
            night.build_in(config.warehouse)
            for leftover in (scratch, scratch.with_name(f"{scratch.name}.wal")):
                leftover.unlink(missing_ok=True)

    return reported(config, "as_of", watch, None, steps)


def _prepare_scratch(night: PipelineRun, scratch: Path, as_of: date) -> None:
    """A file whose raw, ledger and memory are views of the warehouse, as they stood at the as-of day."""
    config = night.config
    scratch.parent.mkdir(parents=True, exist_ok=True)
    scratch.unlink(missing_ok=True)
    first = night.connection.execute("select min(ordered_at) from raw.transactions").fetchall()[0][0]
    if first is None or as_of < first.astimezone(config.zone).date():
        raise NotPublishedError(
            f"No transaction is dated on or before {as_of}; there is nothing to publish for that day."
        )
    copied = night.connection.execute(
        "select schema_name, table_name from duckdb_tables() where schema_name in ('raw', 'ledger', 'memory') and not temporary"
    ).fetchall()
    night.close()
    connection = duckdb.connect(str(scratch))
    try:
        connection.execute(f"attach {literal(str(config.warehouse))} as warehouse (read_only)")
        for schema in ("raw", "ledger", "memory", "run", "identity"):
            connection.execute(f"create schema {schema}")
        for schema, table in copied:
            seen = (
                f"where run_id in (select run_id from warehouse.ledger.runs where as_of_on <= date '{as_of.isoformat()}')"
                if schema == "memory" and table not in ("keys", "schema_version")
                else ""
            )
            name = f"{schema}.{quoted(table)}"
            connection.execute(f"create view {name} as select * from warehouse.{name} {seen}")
        connection.execute(f"create table run.context ({tables.CONTEXT})")
        connection.execute(f"create table run.built ({tables.BUILT})")
        tables.prepare_identity(connection)
        connection.execute(f"create view ledger.source_state as {tables.source_state_sql()}")
    finally:
        connection.close()
    night.build_in(scratch)
    night.set_context(as_of)
