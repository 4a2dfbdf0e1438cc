with

sources as (

    select
        source,
        entity,
        feed,
        batches,
        loaded_rows,
        quarantined_rows,
        left_out_rows,
        refused_since,
        last_refusal_reason,
        last_batch_id,
        age_days,
        is_stale,
        first_event_on,
        last_event_on,
        last_loaded_at,
        last_refused_at
    from {{ source('ledger', 'source_state') }}

)

select * from sources
