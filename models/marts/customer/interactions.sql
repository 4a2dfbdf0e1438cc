{{ config(materialized="view") }}

with

customers as (

    select * from {{ ref('int_customers') }}

),

identified as (

    select * from {{ ref('int_interactions_identified') }}

),

interactions as (

    select
        ---------- ids
        identified.interaction_id,
        identified.customer_id,
        identified.order_id,
        identified.product_id,
        identified.campaign_id,

        ---------- the source's own keys
        identified.source,
        identified.interaction_key,
        identified.customer_key,
        identified.order_key,
        identified.product_key,
        identified.campaign_key,

        ---------- what it was
        identified.channel,
        identified.direction,
        identified.kind,
        identified.status,
        identified.outcome,
        identified.agent,
        case when customers.erasure_requested_on is null then identified.note end as note,

        ---------- numbers
        {{ money('identified.amount') }} as amount,
        identified.currency,
        {{ money('identified.source_amount') }} as source_amount,
        identified.satisfaction,
        identified.minutes,

        ---------- booleans
        identified.is_date_assumed,

        ---------- times
        identified.opened_at,
        identified.opened_on,
        identified.resolved_at,
        identified.resolved_on,
        {{ days_from('identified.opened_on', 'identified.resolved_on') }} as days_to_resolve

    from identified
    left join customers on identified.customer_id = customers.customer_id

)

select * from interactions
