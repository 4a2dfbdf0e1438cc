{{ config(materialized="view") }}
{%- set amounts = ['discount', 'shipping', 'fee'] -%}

with

known_batches as (

    select * from {{ ref('int_raw_batches_known') }}

),

headers as (

    {{ latest_raw_version('orders') }}

),

visible_lines as (

    select * from {{ source('raw', 'transactions') }}
    where batch_id in (
        select known_batches.batch_id from known_batches
        where known_batches.entity = 'transactions'
    )

),

replaced_lines as (

    select
        record_id,
        version,
        content_hash
    from (
        select
            *,
            rank() over (
                partition by record_id order by version desc nulls last, content_hash desc nulls last
            ) as age
        from visible_lines
        where record_id in (
            select revised.record_id from visible_lines as revised
            where revised.is_revision
        )
    ) as versions
    where age > 1

),

-- Every version counts but those that a later one replaced. Its day is the line's own, or its order's.
lines as (

    select
        visible.*,
        coalesce({{ local_date('visible.ordered_at') }}, {{ local_date('headers.ordered_at') }}) as happened_on,
        coalesce(visible.coupon, headers.coupon) as coupon_used,
        coalesce(
            visible.source in (select sources.source from {{ source('run', 'header_sources') }} as sources)
            and coalesce({{ local_date('headers.ordered_at') }} > {{ as_of() }}, true)
            and (
                visible.ordered_at is null
                or visible.return_of_order_id is null
                and visible.batch_id not in (select own.batch_id from {{ source('run', 'return_batches') }} as own)
            ),
            false
        ) as is_waiting_for_header,
        {% for amount in amounts %}
            headers.{{ amount }}_amount as header_{{ amount }}_amount,
        {% endfor %}
        case
            when coalesce(visible.is_return, false) then 0
            else abs(coalesce(visible.gross_amount, visible.net_amount, 0))
        end as own_weight
    from visible_lines as visible
    left join replaced_lines as replaced
        on
            visible.record_id = replaced.record_id
            and visible.version = replaced.version
            and visible.content_hash = replaced.content_hash
    left join headers on visible.order_id = headers.record_id
    where
        replaced.record_id is null
        and not visible.is_deleted
        and coalesce({{ local_date('visible.ordered_at') }} <= {{ as_of() }}, true)

),

-- One row per order and kind of amount: the header's, or what a flat file gives on one line or on each.
order_amounts as (

    {% for amount in amounts %}
        select
            order_id,
            '{{ amount }}' as kind,
            coalesce(
                max(header_{{ amount }}_amount),
                nullif(max(order_{{ amount }}_amount), 0),
                min(order_{{ amount }}_amount)
            ) as amount
        from lines
        where header_{{ amount }}_amount <> 0 or order_{{ amount }}_amount <> 0
        group by order_id
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- The order's cents times the line's weight, split by the order's weight: what it has whole, and what is left.
divided as (

    select
        lines.record_id,
        lines.order_id,
        order_amounts.kind,
        order_amounts.amount,
        cast(floor(abs(order_amounts.amount) * 100) as decimal(18, 0)) as cents,
        cast(
            case
                when sum(lines.own_weight) over (partition by lines.order_id, order_amounts.kind) = 0 then 1
                else lines.own_weight * 10000
            end as decimal(18, 0)
        ) as weight
    from lines
    inner join order_amounts on lines.order_id = order_amounts.order_id
    where not lines.is_waiting_for_header and lines.happened_on <= {{ as_of() }}

),

remainders as (

    select
        *,
        (cents * weight) % order_weight as remainder,
        cast(round(cast(cents * weight - (cents * weight) % order_weight as double) / order_weight) as bigint)
            as whole_cents
    from (
        select
            *,
            cast(sum(weight) over (partition by order_id, kind) as decimal(38, 0)) as order_weight
        from divided
    ) as weighed

),

shares as (

    select
        record_id,
        kind,
        amount,
        whole_cents,
        cents - sum(whole_cents) over (partition by order_id, kind) as cents_left,
        row_number() over (
            partition by order_id, kind order by remainder desc nulls last, record_id asc nulls last
        ) as share_rank,
        abs(amount) - cents * cast(0.01 as decimal(18, 4)) as finer_than_a_cent
    from remainders

),

shares_of_lines as (

    select
        {% for amount in amounts %}
            sum(
                cast(sign(amount) as tinyint) * (
                    whole_cents * cast(0.01 as decimal(18, 4))
                    + case when share_rank <= cents_left then cast(0.01 as decimal(18, 4)) else 0 end
                    + case when share_rank = 1 then finer_than_a_cent else 0 end
                )
            ) filter (where kind = '{{ amount }}') as {{ amount }}_share,
        {% endfor %}
        record_id
    from shares
    group by record_id

),

raw_order_lines as (

    select
        lines.source,
        lines.order_id,
        lines.product_record_id,
        lines.coupon_used,
        lines.happened_on,
        lines.is_waiting_for_header,
        coalesce(lines.is_return, false) as is_return,
        lines.quantity,
        coalesce(lines.gross_amount, lines.net_amount, 0) as gross_amount,
        {{ money('coalesce(lines.net_amount, 0) - coalesce(shares.discount_share, 0)') }} as net_amount,
        {{ money('coalesce(shares.shipping_share, 0)') }} as shipping_amount,
        {{ money('coalesce(shares.fee_share, 0)') }} as fee_amount,
        lines.cost_amount
    from lines
    left join shares_of_lines as shares on lines.record_id = shares.record_id

)

select * from raw_order_lines
