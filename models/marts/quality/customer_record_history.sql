{{ config(materialized="view") }}

with

context as (

    select * from {{ source('run', 'context') }}

),

registry as (

    select
        record_id,
        customer_id,
        run_id,
        assigned_at
    from {{ source('memory', 'customer_registry') }}

),

-- What this run decided is in memory only once it is published.
this_run as (

    select
        crosswalk.record_id,
        crosswalk.customer_id,
        context.run_id,
        context.started_at as assigned_at
    from {{ ref('int_customer_crosswalk') }} as crosswalk
    cross join context
    where
        crosswalk.is_added
        and context.run_id not in (select registry.run_id from registry)

),

assigned as (

    select * from registry
    union all
    select * from this_run

),

intervals as (

    select
        record_id as customer_record_id,
        customer_id,
        assigned_at as valid_from_at,
        lead(assigned_at) over (partition by record_id order by assigned_at asc nulls last) as valid_until_at
    from assigned

),

customer_record_history as (

    select
        customer_record_id,
        customer_id,
        valid_until_at is null as is_current,
        {{ local_date('valid_from_at') }} as valid_from_on,
        {{ local_date('valid_until_at') }} as valid_until_on,
        valid_from_at,
        valid_until_at
    from intervals

)

select * from customer_record_history
