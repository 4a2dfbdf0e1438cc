with

loads as (

    select
        batch_id,
        run_id,
        source,
        entity,
        feed,
        delivery,
        status,
        reason,
        mapping_hash,
        started_at,
        loaded_at,
        retired_at,
        file_count,
        delivered_rows,
        loaded_rows,
        unchanged_rows,
        quarantined_rows,
        left_out_rows,
        cast(coalesce(forgotten_rows, 0) as bigint) as forgotten_rows,
        cast(coalesce(expired_rows, 0) as bigint) as expired_rows,
        deleted_rows,
        first_event_on,
        last_event_on,
        warning_count,
        validation_report,
        columns,
        new_columns
    from {{ source('ledger', 'loads') }}

)

select * from loads
