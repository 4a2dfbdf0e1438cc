-- Per source and feed: what was loaded last, how far it reaches, and what was refused since. Plain DuckDB SQL over the
-- ledger and run.context: the view ledger.source_state, the mart operations.sources and operations.duckdb all use it.
-- A batch that was retired after the run's known_at is in force for that run, as in the models.
with

context as (

    select * from run.context

),

attempts as (

    select
        loads.*,
        loads.status in ('loaded', 'unloaded')
        and (loads.retired_at is null or loads.retired_at > context.known_at) as is_active,
        -- a refusal is closed once what was refused lies there no more
        loads.status = 'refused' and (loads.retired_at is null or loads.retired_at > context.known_at) as is_refused
    from ledger.loads as loads
    cross join context
    where coalesce(loads.loaded_at, loads.started_at) <= context.known_at

),

loaded as (

    select
        source,
        entity,
        feed,
        count(*) as batches,
        max(batch_id) as last_batch_id,
        max(loaded_at) as last_loaded_at,
        sum(loaded_rows) as loaded_rows,
        sum(quarantined_rows) as quarantined_rows,
        sum(left_out_rows) as left_out_rows,
        min(first_event_on) as first_event_on,
        max(last_event_on) as last_event_on
    from attempts
    where is_active
    group by all

),

refused_since as (

    select
        attempts.source,
        attempts.entity,
        attempts.feed,
        count(*) as refused_since,
        max(attempts.started_at) as last_refused_at,
        max_by(attempts.reason, attempts.batch_id) as last_refusal_reason
    from attempts
    left join loaded using (source, entity, feed)
    where attempts.is_refused and (loaded.last_batch_id is null or attempts.batch_id > loaded.last_batch_id)
    group by all

),

dated as (

    select
        coalesce(loaded.source, refused_since.source) as source,
        coalesce(loaded.entity, refused_since.entity) as entity,
        coalesce(loaded.feed, refused_since.feed) as feed,
        coalesce(loaded.batches, 0) as batches,
        cast(coalesce(loaded.loaded_rows, 0) as bigint) as loaded_rows,
        cast(coalesce(loaded.quarantined_rows, 0) as bigint) as quarantined_rows,
        cast(coalesce(loaded.left_out_rows, 0) as bigint) as left_out_rows,
        coalesce(refused_since.refused_since, 0) as refused_since,
        refused_since.last_refusal_reason,
        loaded.last_batch_id,
        -- a state such as customers has no event time: it is as old as its last load
        greatest(date_diff(
            'day',
            coalesce(
                least(loaded.last_event_on, context.as_of_on),
                cast((loaded.last_loaded_at at time zone context.time_zone) as date)
            ),
            context.as_of_on
        ), 0) as age_days,
        refused_since.refused_since is not null as is_stale,
        loaded.first_event_on,
        loaded.last_event_on,
        loaded.last_loaded_at,
        refused_since.last_refused_at
    from loaded
    full outer join refused_since using (source, entity, feed)
    cross join context

)

select * from dated order by source, feed
