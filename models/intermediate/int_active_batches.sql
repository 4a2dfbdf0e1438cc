{{ config(materialized="view") }}

with

active_batches as (

    {{ active_batches('transactions') }}
    union all
    {{ active_batches('orders') }}

)

select * from active_batches
