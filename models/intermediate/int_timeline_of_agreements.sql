{{ config(materialized="view") }}

with

rewards as (

    select
        'reward' as event_kind,
        reward_id as event_record_id,
        customer_record_id,
        source,
        reward_key as source_key,
        cast(null as bigint) as campaign_id,
        cast(null as string) as campaign_key,
        cast(null as string) as channel,
        cast(null as string) as direction,
        kind as topic,
        cast(null as string) as outcome,
        value_amount as amount,
        points,
        cast(null as date) as promised_on,
        kind as text_key,
        false as is_date_assumed,
        rewarded_at as happened_at,
        rewarded_on as happened_on
    from {{ ref('stg_rewards') }}

),

consents as (

    select
        'consent' as event_kind,
        consent_id as event_record_id,
        customer_record_id,
        source,
        consent_key as source_key,
        cast(null as bigint) as campaign_id,
        cast(null as string) as campaign_key,
        channel,
        'inbound' as direction,
        purpose as topic,
        status as outcome,
        cast(null as decimal(18, 4)) as amount,
        cast(null as decimal(18, 6)) as points,
        cast(null as date) as promised_on,
        case when channel is null then status || '_in_all_channels' else status end as text_key,
        false as is_date_assumed,
        decided_at as happened_at,
        decided_on as happened_on
    from {{ ref('stg_consents') }}

),

erasures as (

    select
        'erasure request' as event_kind,
        erasure_id as event_record_id,
        customer_record_id,
        source,
        erasure_key as source_key,
        cast(null as bigint) as campaign_id,
        cast(null as string) as campaign_key,
        cast(null as string) as channel,
        'inbound' as direction,
        cast(null as string) as topic,
        cast(null as string) as outcome,
        cast(null as decimal(18, 4)) as amount,
        cast(null as decimal(18, 6)) as points,
        cast(null as date) as promised_on,
        'erasure' as text_key,
        false as is_date_assumed,
        requested_at as happened_at,
        requested_on as happened_on
    from {{ ref('stg_erasures') }}

),

events as (

    select * from rewards
    union all
    select * from consents
    union all
    select * from erasures

)

select * from events
