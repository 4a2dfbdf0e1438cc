{{ config(materialized="view") }}

with

orders as (

    select
        ---------- ids
        orders.order_id,
        coalesce(crosswalk.customer_id, 0) as customer_id,
        orders.return_of_order_id,
        orders.campaign_id,

        ---------- the source's own keys
        orders.source,
        orders.order_key,
        orders.campaign_key,

        ---------- where
        orders.channel,
        orders.store_key,
        orders.status,
        orders.currency,

        ---------- counts
        orders.order_lines,
        cast(orders.quantity as decimal(18, 6)) as quantity,

        ---------- amounts, company currency, without tax
        orders.gross_amount,
        orders.discount_amount,
        orders.return_amount,
        orders.net_amount,
        orders.tax_amount,
        orders.shipping_amount,
        orders.fee_amount,
        orders.cost_amount,
        orders.contribution,
        orders.net_amount_without_cost,

        ---------- booleans
        orders.sale_line_count = 0 as is_return,
        orders.is_cost_assumed,
        orders.has_several_customers,

        ---------- times
        orders.ordered_at,
        orders.ordered_on,
        orders.last_line_on,
        orders.promised_on,
        orders.delivered_on

    from {{ ref('int_orders') }} as orders
    left join {{ ref('int_customer_crosswalk') }} as crosswalk on orders.customer_record_id = crosswalk.record_id

)

select * from orders
