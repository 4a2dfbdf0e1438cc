with

delivered as (

    {{ current_version('erasures') }}

),

erasures as (

    select
        ---------- ids
        record_id as erasure_id,
        customer_record_id,

        ---------- the source's own keys
        source,
        record_key as erasure_key,
        customer_key,

        ---------- times
        requested_at,
        {{ local_date('requested_at') }} as requested_on

    from delivered

)

select * from erasures
where requested_on <= {{ as_of() }}
