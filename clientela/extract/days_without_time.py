"""Times that state no time of day: at midnight they are days of the calendar, in whatever zone."""

from collections.abc import Mapping as Dict

import duckdb

from clientela.extract.casting import blank_to_null, is_clock_time, is_midnight, local_time, states_time, states_zone
from clientela.extract.delivery import Delivery
from clientela.extract.feed import Feed
from clientela.extract.parameters import Parameters
from clientela.extract.record_versions import VERSION_TIME


def days_without_time(
    connection: duckdb.DuckDBPyConnection,
    feed: Feed,
    delivery: Delivery,
    expressions: Dict[str, str],
    mapped_types: Dict[str, str],
    parameters: Parameters,
) -> set[str]:
    """The times of events that state no time of day: at midnight they are days of the calendar, in whatever zone.

    Those are the columns of which every time is midnight. What orders versions is none of them: it must be read in the same
    way in every delivery.
    """
    style = feed.style
    found: set[str] = set()
    if style.time_zone == style.company_zone:
        return found
    for name, sql in expressions.items():
        delivered_type = mapped_types[name]
        is_local = delivered_type == "VARCHAR" or is_clock_time(delivered_type)
        if feed.entity[name].type != "timestamp" or name == VERSION_TIME or not is_local:
            continue
        if not delivery.is_midnight_a_day:
            stated_format = style.datetime_format if delivered_type == "VARCHAR" else None
            if stated_format and (states_zone(stated_format) or not states_time(stated_format)):
                continue
            value = blank_to_null(sql, delivered_type)
            local = local_time(feed.entity[name], "x", delivered_type, style, parameters) or "cast(x as timestamp)"
            probe = (
                f"select 1 from (select {local} as x from (select {value} as x from {delivery.relation})) "
                f"where not ({is_midnight('x')}) limit 1"
            )
            if connection.execute(probe, parameters.used_in(probe)).fetchall():
                continue
        found.add(name)
    return found
