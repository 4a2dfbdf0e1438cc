{{ config(materialized="view") }}

with

active_batches as (

    {{ active_batches('transactions') }}

)

select * from active_batches
