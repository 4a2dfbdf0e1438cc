{{ config(materialized="view") }}

with

context as (

    select * from {{ source('run', 'context') }}

),

settings as (

    select * from {{ source('run', 'timeline_settings') }}

),

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

texts as (

    select * from {{ ref('int_texts') }}
    where area = 'timeline'

),

events as (

    select
        coalesce(crosswalk.customer_id, 0) as customer_id,
        events.*
    from {{ ref('int_timeline_events_gathered') }} as events
    left join crosswalk on events.customer_record_id = crosswalk.record_id

),

worded as (

    select
        events.*,
        sentences.text as sentence,
        coalesce(' ' || channels.text, ' (' || events.channel || ')', '') as channel_text,
        coalesce(topics.text, events.topic, '') as topic_text,
        coalesce(
            replace(
                cast(cast(abs(events.amount) as decimal(18, 2)) as string),
                '.',
                case when settings.language = 'es' then ',' else '.' end
            )
            || ' '
            || context.currency,
            ''
        ) as amount_text,
        coalesce(cast(cast(events.points as bigint) as string), '') as points_text,
        coalesce(cast(events.promised_on as string), '') as day_text
    from events
    cross join context
    cross join settings
    left join texts as sentences on events.text_key = sentences.text_key
    left join texts as channels on 'channel.' || events.channel = channels.text_key
    left join texts as topics
        on
            case events.event_kind when 'resolution' then 'kind.' when 'consent' then 'purpose.' end || events.topic
            = topics.text_key

),

timeline as (

    select
        ---------- ids
        {{ surrogate_key(['event_kind', 'event_record_id']) }} as event_id,
        customer_id,
        event_record_id,
        campaign_id,

        ---------- the source's own keys
        source,
        source_key,
        campaign_key,

        ---------- what it was
        event_kind,
        channel,
        direction,
        topic,
        outcome,
        replace(replace(replace(replace(replace(
            sentence, '{channel}', channel_text
        ), '{amount}', amount_text), '{points}', points_text), '{day}', day_text), '{topic}', topic_text) as sentence,

        ---------- numbers
        {{ money('amount') }} as amount,
        row_number() over (
            partition by customer_id
            order by
                happened_on asc nulls last,
                happened_at asc nulls first,
                event_kind asc nulls last,
                event_record_id asc nulls last
        ) as event_number,

        ---------- booleans
        is_date_assumed,

        ---------- times
        happened_at,
        happened_on

    from worded

)

select * from timeline
