"""Whom one may contact at this instant: what the last build says, and what has come since.

Belongs here: the questions to the open warehouse. Does not belong here: the rules themselves, which `contact_permissions`
holds as of its day. What came since can only forbid: a consent that came since counts from the next run on.
"""

from datetime import datetime

import duckdb
import polars as pl

from clientela.config.company import Config
from clientela.errors import ClientelaError
from clientela.pipeline.contact_limits_now import contacted_too_often
from clientela.relationship.settings import RELATIONSHIP, TRANSACTIONAL

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
        reached = contacted_too_often(connection, config, limit, now)
        is_limited = pl.col("customer_id").is_in(reached.implode())
        if limit.channel is not None:
            is_limited &= pl.col("channel") == limit.channel
        answered = answered.with_columns(
            reason=pl.when(pl.col("reason").is_null() & is_limited).then(pl.lit(TOO_OFTEN)).otherwise(pl.col("reason"))
        )
    return answered.sort("customer_id", "channel")
