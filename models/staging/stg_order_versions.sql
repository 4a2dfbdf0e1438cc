with

versions as (

    select
        ---------- ids
        record_id as order_id,
        batch_id,

        ---------- days on which it begins to count, or counts otherwise
        {{ local_date('ordered_at') }} as ordered_on,
        delivered_on

    from {{ source('raw', 'orders') }}

)

select * from versions
