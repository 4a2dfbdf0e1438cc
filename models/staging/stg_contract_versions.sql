with

active_batches as (

    {{ active_batches('contracts') }}

),

versions as (

    select
        ---------- ids
        record_id as contract_id,

        ---------- what was agreed
        recurring_amount,
        source_recurring_amount,
        currency,
        coalesce(period_months, 1) as period_months,

        ---------- dates
        {{ local_date('coalesce(version_at, loaded_at)') }} as stated_on,
        amount_from_on,
        paused_on,
        resumed_on,

        ---------- which follows which
        version,
        content_hash

    from {{ source('raw', 'contracts') }}
    where batch_id in (select active_batches.batch_id from active_batches) and not is_deleted

)

select * from versions
