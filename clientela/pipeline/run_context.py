"""What every model of a run reads: its two instants, the versions and the settings, in schema `run`.

How settings become tables is in `clientela.warehouse.run_settings`.
"""

from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from clientela import project_files
from clientela.config.company import Config
from clientela.contracts import COMPANY_ENTITIES, CONTRACT_VERSION, ENTITIES
from clientela.errors import NotPublishedError
from clientela.extract.feeds import entities_without_source
from clientela.identity import step
from clientela.warehouse import keys
from clientela.warehouse.run_settings import sections_of, write_settings
from clientela.warehouse.tables import HEADER_SOURCES
from clientela.warehouse.transactions import transaction

#: whose days tell how far a company's data reach, and those of a company that has none of these
_SALES = ("transactions", "orders")
_OTHER_EVENTS = tuple(entity.name for entity in COMPANY_ENTITIES if entity.event_time and entity.name not in _SALES)


@dataclass(frozen=True)
class RunContext:
    """What of a run its models see. `is_identity_accepted`: any number of customers may change their id this once."""

    run_id: str
    as_of_on: date
    known_at: datetime
    started_at: datetime
    is_identity_accepted: bool = False


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
        step.write_run_tables(connection, config.identity, key, are_changes_accepted=context.is_identity_accepted)


def as_of_day(connection: duckdb.DuckDBPyConnection, config: Config) -> date:
    """The day that the configuration asks for: the one it names, else the latest."""
    return latest_day(connection, config) if isinstance(config.as_of, str) else config.as_of


def latest_day(connection: duckdb.DuckDBPyConnection, config: Config) -> date:
    """The last business day that the loaded transactions reach, in the company's calendar; never after the last of them
    came, whatever clocks say. Of a company that sells by contract alone, the last day of any of its events."""
    # a contract may be announced, and end one day: of these only what has happened counts
    for entities, last in ((_SALES, "max(day)"), (_OTHER_EVENTS, "max(day) filter (day <= landed_on)")):
        days = " union all ".join(_days_of(entity) for entity in entities)
        ((happened_on,),) = connection.execute(
            f"""
            with landings as (
                select cast(timezone($zone, max(coalesce(landed_at, loaded_at))) as date) as landed_on
                from ledger.loads left join ledger.load_files using (batch_id)
                where status = 'loaded' and loads.entity in (select unnest($entities))
            ),
            days as ({days})
            select least({last}, any_value(landed_on)) from days cross join landings where day is not null
            """,
            {"zone": config.time_zone, "entities": list(entities)},
        ).fetchall()
        if happened_on is not None:
            return happened_on  # type: ignore[no-any-return]
    raise NotPublishedError("No transaction, contract or other event is loaded, so there is no day to publish as of.")


def first_day(connection: duckdb.DuckDBPyConnection, config: Config) -> date | None:
    """The first business day of any event; None where nothing was loaded that happened."""
    days = " union all ".join(_days_of(entity) for entity in (*_SALES, *_OTHER_EVENTS))
    found = connection.execute(f"select min(day) from ({days})", {"zone": config.time_zone}).fetchall()
    return found[0][0]  # type: ignore[no-any-return]


def _days_of(entity: str) -> str:
    """SQL for the days of the entity's events, in column `day`; $zone is bound."""
    event = ENTITIES[entity][ENTITIES[entity].event_time or ""]
    day = event.name if event.type == "date" else f"cast(timezone($zone, {event.name}) as date)"
    days = f"unnest([{day}, ends_on, cancelled_on])" if entity == "contracts" else day
    return (
        f"select distinct {days} as day from raw.{entity} where not is_deleted "
        "and batch_id in (select batch_id from ledger.loads where status = 'loaded')"
    )
