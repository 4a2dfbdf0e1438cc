"""Whom one may contact at this instant: what the last build says, and what has come since.

Belongs here: the questions to the open warehouse. Does not belong here: the rules themselves, which `contact_permissions`
holds as of its day. What came since can only forbid: a consent that came since counts from the next run on.
"""

from datetime import datetime, timedelta

import duckdb
import polars as pl

from clientela.config.company import Config
from clientela.errors import ClientelaError
from clientela.relationship.settings import RELATIONSHIP, TRANSACTIONAL, ContactLimit, QuietHours

ERASED, TOO_OFTEN, NEVER_ASKED = "erasure requested", "too often", "never asked"


def require_whole_build(connection: duckdb.DuckDBPyConnection) -> None:
    """Raise ClientelaError where the last build did not come to its end: its tables are of two days."""
    if not connection.execute("select 1 from run.built_state where code_version <> 'under way'").fetchall():
        raise ClientelaError(
            "The last run did not build all models, so nobody can be sure who may be contacted; `clientela run` first."
        )


def permissions_now(connection: duckdb.DuckDBPyConnection, config: Config, purpose: str, now: datetime) -> pl.DataFrame:
    """customer_id, channel and reason for each customer and channel; reason is null where they may be contacted for the purpose.

    A purpose that nobody ever spoke of is judged as `relationship`, which stands for all but transactional contact.
    """
    require_whole_build(connection)
    named = connection.execute("select 1 from relationship.contact_permissions where purpose = ? limit 1", [purpose])
    asked = purpose if named.fetchall() else RELATIONSHIP
    judged: pl.DataFrame = connection.sql(
        """
        select
            permissions.customer_id, permissions.channel,
            case
                when permissions.reason is not null then permissions.reason
                when erased.customer_id is not null then $erased
                else said.status
            end as reason
        from relationship.contact_permissions as permissions
        left join (
            select distinct crosswalk.customer_id
            from raw.erasures as requests
            inner join intermediate.int_customer_crosswalk as crosswalk on requests.customer_record_id = crosswalk.record_id
            inner join ledger.loads using (batch_id)
            cross join run.context
            where loads.status = 'loaded'
                and (loads.loaded_at > context.known_at
                    or cast(timezone(context.time_zone, requests.requested_at) as date) > context.as_of_on)
        ) as erased on permissions.customer_id = erased.customer_id
        left join (
            select crosswalk.customer_id, words.channel, max(words.status) as status
            from raw.consents as words
            inner join intermediate.int_customer_crosswalk as crosswalk on words.customer_record_id = crosswalk.record_id
            inner join ledger.loads using (batch_id)
            cross join run.context
            where loads.status = 'loaded' and words.status <> 'granted'
                and $purpose <> $transactional and lower(trim(words.purpose)) in ($purpose, $relationship)
                and (loads.loaded_at > context.known_at
                    or cast(timezone(context.time_zone, words.decided_at) as date) > context.as_of_on)
            group by crosswalk.customer_id, words.channel
        ) as said
            on permissions.customer_id = said.customer_id and coalesce(said.channel, permissions.channel) = permissions.channel
        where permissions.purpose = $asked
        """,
        params={
            "erased": ERASED,
            "purpose": purpose,
            "relationship": RELATIONSHIP,
            "transactional": TRANSACTIONAL,
            "asked": asked,
        },
    ).pl()
    # a word about every channel and one about this may both have come
    answered = judged.group_by("customer_id", "channel").agg(pl.col("reason").drop_nulls().first())
    for limit in config.permissions.limits:
        if purpose == TRANSACTIONAL or limit.purpose not in (purpose, RELATIONSHIP):
            continue
        reached = _contacted_too_often(connection, config, limit, now)
        is_limited = pl.col("customer_id").is_in(reached.implode())
        if limit.channel is not None:
            is_limited &= pl.col("channel") == limit.channel
        answered = answered.with_columns(
            reason=pl.when(pl.col("reason").is_null() & is_limited).then(pl.lit(TOO_OFTEN)).otherwise(pl.col("reason"))
        )
    return answered.sort("customer_id", "channel")


def _contacted_too_often(
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


def quiet_now(config: Config, channel: str, now: datetime) -> QuietHours | None:
    """The quiet hours of the channel that this instant lies in; None where it lies in none."""
    moment = now.astimezone(config.zone).time()
    return next((quiet for quiet in config.permissions.quiet_hours if quiet.covers(channel, moment)), None)


def require_no_quiet_hour(config: Config, channel: str, now: datetime) -> None:
    """Raise ClientelaError where the channel rests at this instant."""
    if quiet := quiet_now(config, channel, now):
        raise ClientelaError(
            f"It is {now.astimezone(config.zone):%H:%M} in {config.time_zone}: {channel} rests from {quiet.begins} to "
            f"{quiet.ends} (permissions.quiet_hours); nothing was written."
        )
