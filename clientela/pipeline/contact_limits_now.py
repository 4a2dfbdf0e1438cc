"""Who was contacted as often as a limit allows (`permissions.limits`), at this instant.

As of the day of the last build the model `int_contact_limits_reached` says the same.
"""

from datetime import datetime, timedelta

import duckdb
import polars as pl

from clientela.config.company import Config
from clientela.relationship.settings import ContactLimit


def contacted_too_often(
    connection: duckdb.DuckDBPyConnection, config: Config, limit: ContactLimit, now: datetime
) -> pl.Series:
    """Who was contacted as often as the limit allows, counted back from today: as the last build knew, and written out since."""
    begins_on = now.astimezone(config.zone).date() - timedelta(days=limit.per_days - 1)
    found: pl.DataFrame = connection.sql(
        """
        select customer_id from (
            select customer_id, channel, contacted_on from intermediate.int_outbound_contacts
            union all
            select crosswalk.customer_id, prepared.channel, cast(timezone(context.time_zone, prepared.occurred_at) as date)
            from memory.audience_members as members
            inner join memory.audience_writes as prepared
                on members.run_id = prepared.run_id and prepared.event = 'prepared'
            inner join memory.audience_writes as written on members.run_id = written.run_id and written.event = 'written'
            inner join intermediate.int_customer_crosswalk as crosswalk on members.record_id = crosswalk.record_id
            cross join run.context
            where members.arm = 'chosen'
                and (written.occurred_at > context.known_at
                    or cast(timezone(context.time_zone, prepared.occurred_at) as date) > context.as_of_on)
        )
        where contacted_on >= $begins_on and coalesce(channel = $channel, $channel is null)
        group by customer_id having count(*) >= $max_contacts
        """,
        params={"begins_on": begins_on, "channel": limit.channel, "max_contacts": limit.max_contacts},
    ).pl()
    return found["customer_id"]
