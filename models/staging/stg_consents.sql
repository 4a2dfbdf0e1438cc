with

delivered as (

    {{ current_version('consents') }}

),

consents as (

    select
        ---------- ids
        record_id as consent_id,
        customer_record_id,

        ---------- the source's own keys
        source,
        record_key as consent_key,
        customer_key,

        ---------- what was decided
        lower(trim(purpose)) as purpose,
        channel,
        status,

        ---------- times
        decided_at,
        {{ local_date('decided_at') }} as decided_on

    from delivered

)

select * from consents
where decided_on <= {{ as_of() }}
