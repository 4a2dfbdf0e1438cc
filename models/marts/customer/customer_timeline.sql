{{ config(materialized="view") }}

with

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

events as (

    select * from {{ ref('int_timeline_events_gathered') }}

),

timeline as (

    select
        ---------- ids
        {{ surrogate_key(['events.event_kind', 'events.event_record_id']) }} as event_id,
        coalesce(crosswalk.customer_id, 0) as customer_id,
        events.event_record_id,
        events.source,
        events.source_key,

        ---------- what it was
        events.event_kind,
        events.channel,
        events.direction,
        events.topic,
        events.outcome,

        ---------- amounts
        {{ money('events.amount') }} as amount,

        ---------- booleans
        events.is_date_assumed,

        ---------- times
        events.happened_at,
        events.happened_on

    from events
    left join crosswalk on events.customer_record_id = crosswalk.record_id

)

select * from timeline
