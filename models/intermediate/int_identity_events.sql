{{ config(materialized="view") }}

with

identity_events as (

    select
        event,
        customer_id,
        other_customer_id,
        record_count,
        cause
    from {{ ref('int_customers_assigned') }}
    where event is not null

)

select * from identity_events
