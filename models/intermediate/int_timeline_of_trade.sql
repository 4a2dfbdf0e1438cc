{{ config(materialized="view") }}

with

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
        campaign_id,
        campaign_key,
        channel,
        cast(null as string) as direction,
        cast(null as string) as topic,
        cast(null as string) as outcome,
        net_amount as amount,
        cast(null as decimal(18, 6)) as points,
        cast(null as date) as promised_on,
        case when sale_line_count > 0 then 'order' else 'return' end as text_key,
        false as is_date_assumed,
        ordered_at as happened_at,
        ordered_on as happened_on
    from {{ ref('int_orders') }}

),

promises as (

    select
        'promise' as event_kind,
        order_id as event_record_id,
        customer_record_id,
        source,
        order_key as source_key,
        campaign_id,
        campaign_key,
        channel,
        'outbound' as direction,
        cast(null as string) as topic,
        case
            when delivered_on <= promised_on then 'kept'
            when delivered_on > promised_on or promised_on < {{ as_of() }} then 'broken'
            else 'open'
        end as outcome,
        cast(null as decimal(18, 4)) as amount,
        cast(null as decimal(18, 6)) as points,
        promised_on,
        'promise' as text_key,
        false as is_date_assumed,
        ordered_at as happened_at,
        ordered_on as happened_on
    from {{ ref('int_orders') }}
    where promised_on is not null and sale_line_count > 0

),

contract_starts as (

    select
        'contract start' as event_kind,
        contract_id as event_record_id,
        customer_record_id,
        source,
        contract_key as source_key,
        cast(null as bigint) as campaign_id,
        cast(null as string) as campaign_key,
        cast(null as string) as channel,
        cast(null as string) as direction,
        product_key as topic,
        cast(null as string) as outcome,
        recurring_amount as amount,
        cast(null as decimal(18, 6)) as points,
        cast(null as date) as promised_on,
        'contract_start' as text_key,
        false as is_date_assumed,
        cast(null as {{ type_instant() }}) as happened_at,
        started_on as happened_on
    from contracts

),

contract_ends as (

    select
        'contract end' as event_kind,
        contract_id as event_record_id,
        customer_record_id,
        source,
        contract_key as source_key,
        cast(null as bigint) as campaign_id,
        cast(null as string) as campaign_key,
        cast(null as string) as channel,
        cast(null as string) as direction,
        product_key as topic,
        coalesce(cancel_reason, cancelled_by) as outcome,
        recurring_amount as amount,
        cast(null as decimal(18, 6)) as points,
        cast(null as date) as promised_on,
        'contract_end' as text_key,
        false as is_date_assumed,
        cast(null as {{ type_instant() }}) as happened_at,
        ended_on as happened_on
    from contracts
    where ended_on <= {{ as_of() }}

),

events as (

    select * from orders
    union all
    select * from promises
    union all
    select * from contract_starts
    union all
    select * from contract_ends

)

select * from events
