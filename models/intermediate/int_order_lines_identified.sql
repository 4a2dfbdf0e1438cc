{{ config(materialized="view") }}

with

order_lines as (

    select * from {{ ref('int_order_lines') }}

),

orders as (

    select
        order_id,
        customer_record_id
    from {{ ref('int_orders') }}

),

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

-- A line is its order's customer's, whoever the line itself names.
identified as (

    select
        ---------- ids
        order_lines.order_line_id,
        order_lines.order_id,
        coalesce(crosswalk.customer_id, 0) as customer_id,
        order_lines.product_id,
        order_lines.campaign_id,
        order_lines.return_of_order_id,

        ---------- the source's own keys
        order_lines.source,
        order_lines.order_key,
        order_lines.line_key,
        order_lines.customer_key,
        order_lines.product_key,
        order_lines.campaign_key,
        order_lines.return_of_order_key,

        ---------- where
        order_lines.channel,
        order_lines.store_key,
        order_lines.coupon,
        order_lines.status,

        ---------- amounts, company currency, without tax
        order_lines.quantity,
        order_lines.unit_of_measure,
        order_lines.items,
        order_lines.gross_amount,
        order_lines.discount_amount,
        order_lines.order_discount_amount,
        order_lines.net_amount,
        order_lines.tax_amount,
        order_lines.shipping_amount,
        order_lines.fee_amount,
        order_lines.cost_amount,
        order_lines.contribution,
        order_lines.currency,
        order_lines.source_net_amount,
        order_lines.cost_rule,

        ---------- booleans
        order_lines.is_cost_assumed,
        order_lines.is_return,

        ---------- times
        order_lines.ordered_at,
        order_lines.ordered_on,
        order_lines.promised_on,
        order_lines.delivered_on

    from order_lines
    inner join orders on order_lines.order_id = orders.order_id
    left join crosswalk on orders.customer_record_id = crosswalk.record_id

)

select * from identified
