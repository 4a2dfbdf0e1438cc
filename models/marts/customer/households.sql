{{ config(materialized="view") }}

with

households as (

    select
        household_id,
        customer_id,
        customer_count
    from {{ left_by(ref('int_customers_assigned'), source('identity', 'households')) }}

)

select * from households
