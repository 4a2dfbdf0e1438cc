with

states as (

    select * from {{ source('ledger', 'source_state') }}

),

later as (

    select * from {{ ref('int_rows_after_as_of') }}

),

sources as (

    select
        states.source,
        states.entity,
        states.feed,
        states.batches,
        states.loaded_rows,
        case
            when row_number() over (partition by states.source, states.entity order by states.feed asc nulls first) = 1
                then coalesce(later.later_rows, 0)
            else 0
        end as rows_after_as_of,
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
    from states
    left join later on states.source = later.source and states.entity = later.entity

)

select * from sources
