{{ config(materialized="view") }}

with

households as (

    select
        household_id,
        customer_id,
        customer_count
    from {{ source('identity', 'households') }}

)

select * from households
-- depends_on: {{ ref('int_customers_assigned') }}
