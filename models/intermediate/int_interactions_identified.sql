{{ config(materialized="view") }}

with

interactions as (

    select * from {{ ref('stg_interactions') }}

),

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

identified as (

    select
        ---------- ids
        interactions.interaction_id,
        interactions.customer_record_id,
        coalesce(crosswalk.customer_id, 0) as customer_id,
        interactions.campaign_id,
        interactions.product_id,
        interactions.order_id,

        ---------- the source's own keys
        interactions.source,
        interactions.interaction_key,
        interactions.customer_key,
        interactions.campaign_key,
        interactions.product_key,
        interactions.order_key,

        ---------- what it was
        interactions.channel,
        interactions.direction,
        interactions.kind,
        interactions.status,
        interactions.outcome,
        interactions.agent,
        interactions.note,

        ---------- numbers
        interactions.amount,
        interactions.currency,
        interactions.source_amount,
        interactions.satisfaction,
        interactions.minutes,
        interactions.reopened_count,

        ---------- booleans
        interactions.is_date_assumed,

        ---------- times
        interactions.opened_at,
        interactions.opened_on,
        interactions.first_answered_at,
        interactions.resolved_at,
        interactions.resolved_on

    from interactions
    left join crosswalk on interactions.customer_record_id = crosswalk.record_id

)

select * from identified
