{{ config(materialized="view") }}

with

-- A batch that begins after the as-of day is not of that day, though its month has begun.
known_batches as (

    select
        loads.batch_id,
        {{ month_of('cast(loads.loaded_at as date)') }} as loaded_month
    from {{ source('ledger', 'loads') }} as loads
    where
        loads.batch_id in (select known.batch_id from {{ ref('int_raw_batches_known') }} as known)
        and (loads.first_event_on is null or loads.first_event_on <= {{ as_of() }})

),

-- What the loader counted as it came, and what it did not load.
counted as (

    select
        amounts.source,
        amounts.entity,
        coalesce(amounts.month, known_batches.loaded_month) as month,
        amounts.disposition,
        amounts.row_count,
        amounts.amount_unreadable,
        coalesce(amounts.net_amount, 0) as net_amount
    from {{ source('ledger', 'load_amounts') }} as amounts
    inner join known_batches on amounts.batch_id = known_batches.batch_id

),

-- What is there, counted anew.
loaded as (

    {% for entity, amount in [
        ('transactions', 'raw.net_amount'),
        ('orders', 'coalesce(raw.shipping_amount, 0) + coalesce(raw.fee_amount, 0) - coalesce(raw.discount_amount, 0)'),
    ] %}
        select
            raw.source,
            '{{ entity }}' as entity,
            coalesce({{ month_of(local_date('raw.ordered_at')) }}, known_batches.loaded_month) as month,
            count(*) as row_count,
            count(*) - count({{ amount }}) as amount_unreadable,
            coalesce(sum({{ amount }}), 0) as net_amount
        from {{ source('raw', entity) }} as raw
        inner join known_batches on raw.batch_id = known_batches.batch_id
        where not raw.is_deleted
        group by 1, 2, 3
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

sides as (

    select
        source,
        entity,
        month,
        row_count as delivered_rows,
        0 as accounted_rows,
        net_amount as delivered_amount,
        0 as accounted_amount,
        amount_unreadable as delivered_unreadable,
        0 as accounted_unreadable
    from counted
    where disposition = 'delivered'
    union all
    select
        source,
        entity,
        month,
        0 as delivered_rows,
        case when disposition = 'restated' then -row_count else row_count end as accounted_rows,
        0 as delivered_amount,
        case when disposition = 'restated' then -net_amount else net_amount end as accounted_amount,
        0 as delivered_unreadable,
        case when disposition = 'restated' then -amount_unreadable else amount_unreadable end as accounted_unreadable
    from counted
    where disposition not in ('delivered', 'loaded')
    union all
    select
        source,
        entity,
        month,
        0 as delivered_rows,
        row_count as accounted_rows,
        0 as delivered_amount,
        net_amount as accounted_amount,
        0 as delivered_unreadable,
        amount_unreadable as accounted_unreadable
    from loaded

),

accounted as (

    select
        source,
        entity,
        month,
        sum(delivered_rows) as delivered_rows,
        sum(accounted_rows) as accounted_rows,
        sum(delivered_amount) as delivered_amount,
        sum(accounted_amount) as accounted_amount,
        sum(delivered_unreadable) as delivered_unreadable,
        sum(accounted_unreadable) as accounted_unreadable
    from sides
    where month <= {{ as_of() }}
    group by source, entity, month

)

select * from accounted
