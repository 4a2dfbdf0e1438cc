{{ config(materialized="view") }}

with

interactions as (

    select
        'interaction' as event_kind,
        interaction_id as event_record_id,
        customer_record_id,
        source,
        interaction_key as source_key,
        campaign_id,
        campaign_key,
        channel,
        direction,
        kind as topic,
        coalesce(outcome, status) as outcome,
        amount,
        cast(null as decimal(18, 6)) as points,
        cast(null as date) as promised_on,
        case when kind = 'contact' and direction = 'outbound' then 'contacted' else kind end as text_key,
        is_date_assumed,
        opened_at as happened_at,
        opened_on as happened_on
    from {{ ref('stg_interactions') }}

),

resolutions as (

    select
        'resolution' as event_kind,
        interaction_id as event_record_id,
        customer_record_id,
        source,
        interaction_key as source_key,
        campaign_id,
        campaign_key,
        channel,
        'outbound' as direction,
        kind as topic,
        coalesce(outcome, status) as outcome,
        cast(null as decimal(18, 4)) as amount,
        cast(null as decimal(18, 6)) as points,
        cast(null as date) as promised_on,
        'resolved' as text_key,
        is_date_assumed,
        resolved_at as happened_at,
        resolved_on as happened_on
    from {{ ref('stg_interactions') }}
    where
        resolved_on is not null
        and kind in ('request', 'complaint', 'incident', 'installation', 'maintenance', 'repair', 'warranty')

),

decisions as (

    select
        'decision' as event_kind,
        interaction_id as event_record_id,
        customer_record_id,
        source,
        interaction_key as source_key,
        campaign_id,
        campaign_key,
        channel,
        'inbound' as direction,
        kind as topic,
        stage as outcome,
        amount,
        cast(null as decimal(18, 6)) as points,
        cast(null as date) as promised_on,
        stage as text_key,
        is_date_assumed,
        resolved_at as happened_at,
        resolved_on as happened_on
    from {{ ref('int_opportunities') }}
    where stage in ('won', 'lost') and resolved_on is not null

),

campaign_contacts as (

    select
        case when role = 'held_out' then 'campaign holdout' else 'campaign contact' end as event_kind,
        campaign_contact_id as event_record_id,
        customer_record_id,
        source,
        campaign_contact_key as source_key,
        campaign_id,
        campaign_key,
        channel,
        'outbound' as direction,
        campaign_name as topic,
        role as outcome,
        cast(null as decimal(18, 4)) as amount,
        cast(null as decimal(18, 6)) as points,
        cast(null as date) as promised_on,
        'campaign_' || role as text_key,
        is_date_assumed,
        contacted_at as happened_at,
        contacted_on as happened_on
    from {{ ref('int_campaign_contacts_dated') }}

),

events as (

    select * from interactions
    union all
    select * from resolutions
    union all
    select * from decisions
    union all
    select * from campaign_contacts

)

select * from events
