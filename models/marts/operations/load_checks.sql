with

load_checks as (

    select
        batch_id,
        source,
        entity,
        expectation,
        severity,
        is_met,
        column_name,
        description,
        observed,
        unexpected_count,
        unexpected_share,
        examples
    from {{ source('ledger', 'load_checks') }}

)

select * from load_checks
