{{ config(materialized="view") }}

with

context as (

    select * from {{ source('run', 'context') }}

),

known_batches as (

    select
        loads.entity,
        loads.batch_id
    from {{ source('ledger', 'loads') }} as loads
    cross join context
    where
        loads.loaded_at <= context.known_at
        and loads.status in ('loaded', 'unloaded')
        and coalesce(loads.retired_at > context.known_at, true)

)

select * from known_batches
