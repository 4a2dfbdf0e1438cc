{{ config(materialized="view") }}

with

customers as (

    select * from {{ ref('customers') }}

),

customer_field_values as (

    select
        field_values.customer_id,
        field_values.record_id as customer_record_id,
        field_values.source,
        field_values.field,
        field_values.value,
        field_values.rule,
        field_values.record_count,
        field_values.is_winner,
        field_values.updated_at
    from {{ ref('int_customer_field_values') }} as field_values
    inner join customers on field_values.customer_id = customers.customer_id
    where not customers.is_erasure_requested

)

select * from customer_field_values
