"""What every model of a run reads: its two instants, the versions and the settings, in schema `run`.

How settings become tables is in `clientela.warehouse.run_settings`.
"""

from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from clientela import project_files
from clientela.config.company import Config
from clientela.config.sources import bytes_of
from clientela.contracts import CONTRACT_VERSION
from clientela.extract.feeds import entities_without_source, feeds_of
from clientela.identity import step
from clientela.warehouse import keys
from clientela.warehouse.run_settings import sections_of, write_settings
from clientela.warehouse.tables import HEADER_SOURCES, RETURN_BATCHES
from clientela.warehouse.transactions import transaction


@dataclass(frozen=True)
class RunContext:
    """What of a run its models see. `is_identity_accepted`: any number of customers may change their id this once; `refit`: the
    month-ends that someone asked to be made anew (clientela.value.settled)."""

    run_id: str
    as_of_on: date
    known_at: datetime
    started_at: datetime
    is_identity_accepted: bool = False
    refit: str | None = None


def write_context(connection: duckdb.DuckDBPyConnection, config: Config, context: RunContext) -> None:
    """Replace the context and settings of the run before, all in one transaction."""
    values = {
        "run_id": context.run_id,
        "as_of_on": context.as_of_on,
        "known_at": context.known_at,
        "company": config.company,
        "currency": config.currency,
        "time_zone": config.time_zone,
        "left_censored_days": config.left_censored_days,
        "config_hash": config.fingerprint(),
        "code_version": project_files.code_version(),
        "started_at": context.started_at,
        "duckdb_version": duckdb.__version__,
        "contract_version": CONTRACT_VERSION,
        "entities_without_source": ", ".join(entities_without_source(config)) or None,
        "refit": context.refit,
    }
    key = keys.kept_evidence_key(connection, config.data)
    with transaction(connection):
        connection.execute("delete from run.context")
        connection.execute(
            f"insert into run.context ({', '.join(values)}) values ({', '.join(f'${name}' for name in values)})", values
        )
        write_settings(connection, *sections_of(config))
        connection.execute(f"create or replace table run.header_sources ({HEADER_SOURCES})")
        for name, source in config.sources.items():
            if source.feeds_of("orders"):
                connection.execute("insert into run.header_sources values (?)", [name])
        connection.execute(f"create or replace table run.return_batches ({RETURN_BATCHES})")
        for feed in feeds_of(config):
            if feed.has_own_orders:
                connection.execute(
                    "insert into run.return_batches select batch_id from ledger.loads where source = ? and feed = ?",
                    [feed.source_name, feed.name],
                )
        # Splink has a DuckDB of its own beside the warehouse's: it is to have no more than that
        limit = min(config.identity.memory_limit, config.limits.duckdb_memory, key=bytes_of)
        identity = config.identity.model_copy(update={"memory_limit": limit})
        step.write_run_tables(connection, identity, key, are_changes_accepted=context.is_identity_accepted)
