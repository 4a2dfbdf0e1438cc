{{ config(materialized="view") }}
{#- Amounts that an order has beside those of its lines. -#}
{%- set amounts = ['discount', 'shipping', 'fee', 'tax'] -%}

with

lines as (

    select * from {{ ref('stg_transactions') }}

),

headers as (

    select * from {{ ref('stg_orders') }}

),

header_sources as (

    select * from {{ source('run', 'header_sources') }}

),

return_batches as (

    select * from {{ source('run', 'return_batches') }}

),

-- A flat file gives what the order has on one of its lines, or repeats it on each: it is taken once.
amounts_on_lines as (

    select
        {% for amount in amounts %}
            coalesce(nullif(max(order_{{ amount }}_amount), 0), min(order_{{ amount }}_amount)) as {{ amount }}_amount,
        {% endfor %}
        order_id
    from lines
    where
        order_discount_amount is not null
        or order_shipping_amount is not null
        or order_fee_amount is not null
        or order_tax_amount is not null
    group by order_id

),

returns_of_nobody as (

    select return_of_order_id
    from lines
    where customer_record_id is null and return_of_order_id is not null

),

sales_named as (

    select
        order_id,
        customer_record_id,
        min(customer_key) as customer_key,
        bool_or(is_header) as is_header,
        sum(net_amount) as net_amount
    from (
        select
            order_id,
            customer_record_id,
            customer_key,
            net_amount,
            false as is_header
        from lines
        union all
        select
            order_id,
            customer_record_id,
            customer_key,
            0 as net_amount,
            true as is_header
        from headers
    ) as named
    where
        customer_record_id is not null
        and order_id in (select returns_of_nobody.return_of_order_id from returns_of_nobody)
    group by order_id, customer_record_id

),

customers_of_sales as (

    select
        order_id,
        customer_record_id,
        customer_key,
        row_number() over (
            partition by order_id
            order by is_header desc nulls last, net_amount desc nulls last, customer_record_id asc nulls last
        ) as sequence
    from sales_named

),

-- Whose the sale was that a return names which says no customer itself: its header's, or theirs with most of its lines'
-- net amount.
sales_returned as (

    select * from customers_of_sales
    where sequence = 1

),

order_lines as (

    select
        ---------- ids
        lines.order_line_id,
        lines.order_id,
        coalesce(lines.return_of_order_id, headers.return_of_order_id) as return_of_order_id,
        coalesce(headers.customer_record_id, lines.customer_record_id, sales_returned.customer_record_id)
            as customer_record_id,
        lines.product_id,
        coalesce(lines.campaign_id, headers.campaign_id) as campaign_id,
        lines.batch_id,

        ---------- the source's own keys
        lines.source,
        lines.order_key,
        lines.line_key,
        coalesce(headers.customer_key, lines.customer_key, sales_returned.customer_key) as customer_key,
        lines.product_key,
        coalesce(lines.campaign_key, headers.campaign_key) as campaign_key,
        coalesce(lines.return_of_order_key, headers.return_of_order_key) as return_of_order_key,

        ---------- where
        coalesce(lines.store_key, headers.store_key) as store_key,
        coalesce(lines.channel, headers.channel) as channel,
        coalesce(lines.coupon, headers.coupon) as coupon,
        headers.status,

        ---------- amounts of the line, company currency, without tax
        lines.quantity,
        lines.unit_of_measure,
        lines.items,
        lines.gross_amount,
        lines.discount_amount,
        lines.net_amount,
        lines.tax_amount,
        lines.stated_cost_amount,
        lines.currency,
        lines.source_net_amount,

        ---------- amounts of its whole order
        {% for amount in amounts %}
            {{ money('coalesce(headers.' ~ amount ~ '_amount, amounts_on_lines.' ~ amount ~ '_amount, 0)') }}
                as order_{{ amount }}_amount,
        {% endfor %}

        ---------- booleans
        lines.is_return,

        ---------- times
        coalesce(lines.ordered_at, headers.ordered_at) as ordered_at,
        coalesce(lines.ordered_on, headers.ordered_on) as ordered_on,
        coalesce(lines.promised_on, headers.promised_on) as promised_on,
        coalesce(lines.delivered_on, headers.delivered_on) as delivered_on

    from lines
    left join headers on lines.order_id = headers.order_id
    left join header_sources on lines.source = header_sources.source
    left join amounts_on_lines on lines.order_id = amounts_on_lines.order_id
    left join sales_returned
        on lines.return_of_order_id = sales_returned.order_id and lines.customer_record_id is null
    -- where a source delivers headers a line waits for its own; a return has none where it states its day itself
    where
        header_sources.source is null
        or headers.order_id is not null
        or (
            lines.ordered_on is not null
            and (
                lines.return_of_order_id is not null
                or lines.batch_id in (select return_batches.batch_id from return_batches)
            )
        )

)

select * from order_lines
