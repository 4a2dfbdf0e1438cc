-- Per source and month, to the cent and to the row: what the ledger says was delivered = in the marts for a customer +
-- not identified + quarantined + unchanged + left out + forgotten + expired + superseded by a later version or a deletion + after the as-of day
-- + waiting for its order's header. Where sources deliver headers, which may state the day, per source alone.
-- Superseded rows are found here by a query of their own, not by the macro that the models use.
with

context as (

    select * from {{ source('run', 'context') }}

),

known_batches as (

    select loads.batch_id
    from {{ source('ledger', 'loads') }} as loads
    cross join context
    where
        loads.entity = 'transactions'
        and loads.loaded_at <= context.known_at
        and loads.status in ('loaded', 'unloaded')
        and coalesce(loads.retired_at > context.known_at, true)

),

-- What the extraction counted, before a row was in raw.
delivered as (

    select
        amounts.source,
        amounts.month,
        amounts.disposition,
        amounts.row_count,
        coalesce(amounts.net_amount, 0) as net_amount
    from {{ source('ledger', 'load_amounts') }} as amounts
    where amounts.entity = 'transactions' and amounts.batch_id in (select batch_id from known_batches)

),

versions as (

    select
        raw.source,
        {{ local_date('raw.ordered_at') }} as ordered_on,
        raw.net_amount,
        raw.is_deleted,
        rank() over (
            partition by raw.record_id order by raw.version desc nulls last, raw.content_hash desc nulls last
        ) as age
    from {{ source('raw', 'transactions') }} as raw
    where
        raw.batch_id in (select batch_id from known_batches)
        and raw.record_id in (
            select revised.record_id
            from {{ source('raw', 'transactions') }} as revised
            where revised.is_revision and revised.batch_id in (select batch_id from known_batches)
        )

),

superseded as (

    select
        source,
        ordered_on,
        net_amount
    from versions
    where age > 1 and not is_deleted and coalesce(ordered_on <= {{ as_of() }}, true)

),

-- A day of slack, so that no zone and no session can hide a row; few rows remain for the exact condition.
late_rows as (

    select
        raw.source,
        raw.net_amount,
        {{ local_date('raw.ordered_at') }} as ordered_on
    from {{ source('raw', 'transactions') }} as raw
    where
        raw.batch_id in (select batch_id from known_batches)
        and not raw.is_deleted
        and raw.ordered_at >= (select {{ dbt.dateadd('day', -1, 'as_of_on') }} from context)

),

entries as (

    select
        source,
        month,
        row_count,
        net_amount
    from delivered
    where disposition in ('delivered', 'restated')
    union all
    select
        source,
        month,
        -row_count as row_count,
        -net_amount as net_amount
    from delivered
    where disposition in ('quarantined', 'unchanged', 'left out', 'forgotten', 'expired')
    union all
    select
        source,
        {{ month_of('ordered_on') }} as month,
        -1 as row_count,
        -coalesce(net_amount, 0) as net_amount
    from superseded
    union all
    select
        source,
        {{ month_of('ordered_on') }} as month,
        -1 as row_count,
        -coalesce(net_amount, 0) as net_amount
    from late_rows
    where ordered_on > {{ as_of() }}
    union all
    select
        source,
        null as month,
        -count(*) as row_count,
        -sum(net_amount) as net_amount
    from {{ ref('int_order_lines_waiting') }}
    group by source
    union all
    -- a line bears its share of its order's discount, which was no line's when it was delivered
    select
        source,
        {{ month_of('ordered_on') }} as month,
        -count(*) as row_count,
        -sum(net_amount + order_discount_amount) as net_amount
    from {{ ref('order_lines') }}
    group by 1, 2

)

select
    entries.source,
    case when headers.source is null then entries.month end as month,
    sum(entries.row_count) as rows_missing,
    sum(entries.net_amount) as net_amount_missing
from entries
left join {{ source('run', 'header_sources') }} as headers on entries.source = headers.source
group by 1, 2
having sum(entries.row_count) <> 0 or sum(entries.net_amount) <> 0
