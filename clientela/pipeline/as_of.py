"""Which day a run is as of: the one that the configuration names, else the last that the company's data reach."""

from datetime import date

import duckdb

from clientela.config.company import Config
from clientela.contracts import COMPANY_ENTITIES, ENTITIES
from clientela.errors import NotPublishedError
from clientela.wording import listed

#: whose days tell how far a company's data reach, and those of a company that has none of these
_SALES = ("transactions", "orders")
_OTHER_EVENTS = tuple(entity.name for entity in COMPANY_ENTITIES if entity.event_time and entity.name not in _SALES)


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


def rows_after(connection: duckdb.DuckDBPyConnection, config: Config, as_of: date) -> str:
    """A sentence on the loaded records whose event lies after the as-of day, which no mart shows yet; empty if there are none.
    What is announced ahead, as contracts are, waits for its day unsaid."""
    late = []
    for entity in COMPANY_ENTITIES:
        if entity.event_time is None or entity.is_announced_ahead:
            continue
        event = entity[entity.event_time]
        # the instant at which the next day begins, rather than the day of each of millions of rows
        is_day = event.type == "date"
        ends = "$as_of" if is_day else "timezone($zone, cast($as_of + 1 as timestamp)) - interval 1 microsecond"
        # the newest version of a record is the one that counts
        ((count,),) = connection.execute(
            f"""
            select count(*) from (
                select {event.name} > {ends} as is_late, is_deleted from raw.{entity.name}
                where record_id in (select record_id from raw.{entity.name} where {event.name} > {ends})
                    and batch_id in (select batch_id from ledger.loads where status = 'loaded')
                qualify row_number() over (partition by record_id order by version desc, content_hash desc) = 1
            ) where is_late and not is_deleted
            """,
            {"as_of": as_of} | ({} if is_day else {"zone": config.time_zone}),
        ).fetchall()
        if count:
            late.append(f"{count:,} of {entity.name}")
    if not late:
        return ""
    return f"Dated after {as_of}, the as-of day, and in no mart before their day comes: {listed(late)}."


def _days_of(entity: str) -> str:
    """SQL for the days of the entity's events, in column `day`; $zone is bound."""
    event = ENTITIES[entity][ENTITIES[entity].event_time or ""]
    day = event.name if event.type == "date" else f"cast(timezone($zone, {event.name}) as date)"
    days = f"unnest([{day}, ends_on, cancelled_on])" if entity == "contracts" else day
    return (
        f"select distinct {days} as day from raw.{entity} where not is_deleted "
        "and batch_id in (select batch_id from ledger.loads where status = 'loaded')"
    )
