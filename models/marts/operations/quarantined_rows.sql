with

-- Unloaded, or reloaded: what was refused then is of no use to anyone who mends rows now.
retired_batches as (

    select loads.batch_id
    from {{ source('ledger', 'loads') }} as loads
    cross join {{ source('run', 'context') }} as context
    where loads.retired_at <= context.known_at

),

quarantined_rows as (

    select
        batch_id,
        source,
        entity,
        source_file,
        source_row,
        field,
        value,
        personal_value,
        reason,
        delivered_row,
        quarantined_at,
        shape,
        amount
    from {{ source('ledger', 'quarantined_rows') }}
    where batch_id not in (select retired_batches.batch_id from retired_batches)

)

select * from quarantined_rows
