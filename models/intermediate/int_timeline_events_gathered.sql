{{ config(materialized="view") }}

with

context as (

    select * from {{ source('run', 'context') }}

),

contracts as (

    select
        *,
        coalesce(cancelled_on, ends_on) as ended_on
    from {{ ref('stg_contracts') }}

),

orders as (

    select
        case when sale_line_count > 0 then 'order' else 'return' end as event_kind,
        order_id as event_record_id,
        customer_record_id,
        source,
        order_key as source_key,
        channel,
        null as direction,
        null as topic,
        null as outcome,
        net_amount as amount,
        false as is_date_assumed,
        ordered_at as happened_at,
        ordered_on as happened_on
    from {{ ref('int_orders') }}

),

interactions as (

    select
        'interaction' as event_kind,
        interaction_id as event_record_id,
        customer_record_id,
        source,
        interaction_key as source_key,
        channel,
        direction,
        kind as topic,
        coalesce(outcome, status) as outcome,
        amount,
        is_date_assumed,
        opened_at as happened_at,
        opened_on as happened_on
    from {{ ref('stg_interactions') }}

),

campaign_contacts as (

    select
        case when role = 'held_out' then 'campaign holdout' else 'campaign contact' end as event_kind,
        campaign_contact_id as event_record_id,
        customer_record_id,
        source,
        campaign_contact_key as source_key,
        channel,
        'outbound' as direction,
        campaign_name as topic,
        role as outcome,
        null as amount,
        is_date_assumed,
        contacted_at as happened_at,
        contacted_on as happened_on
    from {{ ref('int_campaign_contacts_dated') }}

),

rewards as (

    select
        'reward' as event_kind,
        reward_id as event_record_id,
        customer_record_id,
        source,
        reward_key as source_key,
        null as channel,
        null as direction,
        kind as topic,
        null as outcome,
        value_amount as amount,
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
        channel,
        'inbound' as direction,
        purpose as topic,
        status as outcome,
        null as amount,
        false as is_date_assumed,
        decided_at as happened_at,
        decided_on as happened_on
    from {{ ref('stg_consents') }}

),

contract_starts as (

    select
        'contract start' as event_kind,
        contract_id as event_record_id,
        customer_record_id,
        source,
        contract_key as source_key,
        null as channel,
        null as direction,
        product_key as topic,
        null as outcome,
        recurring_amount as amount,
        false as is_date_assumed,
        null as happened_at,
        started_on as happened_on
    from contracts

),

contract_ends as (

    select
        'contract end' as event_kind,
        contracts.contract_id as event_record_id,
        contracts.customer_record_id,
        contracts.source,
        contracts.contract_key as source_key,
        null as channel,
        null as direction,
        contracts.product_key as topic,
        coalesce(contracts.cancel_reason, contracts.cancelled_by) as outcome,
        contracts.recurring_amount as amount,
        false as is_date_assumed,
        null as happened_at,
        contracts.ended_on as happened_on
    from contracts
    cross join context
    where contracts.ended_on <= context.as_of_on

),

erasures as (

    select
        'erasure request' as event_kind,
        erasure_id as event_record_id,
        customer_record_id,
        source,
        erasure_key as source_key,
        null as channel,
        'inbound' as direction,
        null as topic,
        null as outcome,
        null as amount,
        false as is_date_assumed,
        requested_at as happened_at,
        requested_on as happened_on
    from {{ ref('stg_erasures') }}

),

events as (

    {% for kind in [
        'orders', 'interactions', 'campaign_contacts', 'rewards', 'consents', 'contract_starts', 'contract_ends', 'erasures',
    ] %}
        select * from {{ kind }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from events
