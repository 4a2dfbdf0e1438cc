{{ config(materialized="view") }}

with

households as (

    select
        household_id,
        customer_id,
        customers
    from {{ left_by(ref('int_customers_assigned'), source('identity', 'households')) }}

)

select * from households
