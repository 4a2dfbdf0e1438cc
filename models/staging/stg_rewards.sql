with

delivered as (

    {{ current_version('rewards') }}

),

rewards as (

    select
        ---------- ids
        record_id as reward_id,
        customer_record_id,

        ---------- the source's own keys
        source,
        record_key as reward_key,
        customer_key,

        ---------- what it was
        kind,
        points,
        value_amount,

        ---------- times
        rewarded_at,
        {{ local_date('rewarded_at') }} as rewarded_on,
        expires_on

    from delivered

)

select * from rewards
where rewarded_on <= {{ as_of() }}
