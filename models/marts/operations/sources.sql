with

states as (

    select * from {{ source('ledger', 'source_state') }}

),

later as (

    select * from {{ ref('int_rows_after_as_of') }}

),

disputed as (

    select
        source,
        'transactions' as entity,
        count(*) filter (where has_several_customers) as orders_with_several_customers
    from {{ ref('int_orders') }}
    group by source

),

numbered as (

    select
        *,
        row_number() over (partition by source, entity order by feed asc nulls first) = 1 as is_first_feed
    from states

),

sources as (

    select
        states.source,
        states.entity,
        states.feed,
        states.batches,
        states.loaded_rows,
        case when states.is_first_feed then coalesce(later.later_rows, 0) else 0 end as rows_after_as_of,
        case
            when states.is_first_feed then coalesce(disputed.orders_with_several_customers, 0) else 0
        end as orders_with_several_customers,
        states.quarantined_rows,
        states.left_out_rows,
        states.refused_since,
        states.last_refusal_reason,
        states.last_batch_id,
        states.age_days,
        states.is_stale,
        states.first_event_on,
        states.last_event_on,
        states.last_loaded_at,
        states.last_refused_at
    from numbered as states
    left join later on states.source = later.source and states.entity = later.entity
    left join disputed on states.source = disputed.source and states.entity = disputed.entity

)

select * from sources
