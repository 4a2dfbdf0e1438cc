{{ config(materialized="view") }}

with

crosswalk as (

    select
        record_id,
        customer_id,
        is_added
    from {{ ref('int_customers_assigned') }}

)

select * from crosswalk
