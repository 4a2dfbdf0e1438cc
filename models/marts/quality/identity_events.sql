{{ config(materialized="view") }}

with

context as (

    select * from {{ source('run', 'context') }}

),

remembered as (

    select
        event,
        customer_id,
        other_customer_id,
        record_count,
        cause,
        run_id,
        occurred_at
    from {{ source('memory', 'identity_events') }}

),

-- What this run decided is in memory only once it is published.
this_run as (

    select
        events.event,
        events.customer_id,
        events.other_customer_id,
        events.record_count,
        events.cause,
        context.run_id,
        context.started_at as occurred_at
    from {{ left_by(ref('int_customers_assigned'), source('identity', 'events')) }} as events
    cross join context
    where context.run_id not in (select remembered.run_id from remembered)

),

events as (

    select * from remembered
    union all
    select * from this_run

),

identity_events as (

    select
        customer_id,
        other_customer_id,
        event,
        cause,
        cast(record_count as bigint) as record_count,
        run_id,
        {{ local_date('occurred_at') }} as occurred_on,
        occurred_at
    from events

)

select * from identity_events
