{{ config(materialized="view") }}

with

batches_in_force as (

    {{ batches_in_force('transactions') }}

)

select * from batches_in_force
