with

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
        quarantined_at
    from {{ source('ledger', 'quarantined_rows') }}

)

select * from quarantined_rows
