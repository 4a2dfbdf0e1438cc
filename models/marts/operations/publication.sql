with

publication as (

    select
        run_id,
        company,
        currency,
        time_zone,
        as_of_on,
        known_at,
        left_censored_days,
        config_hash,
        code_version,
        started_at,
        duckdb_version,
        contract_version,
        entities_without_source
    from {{ source('run', 'context') }}

)

select * from publication
