{{ config(materialized="view") }}

with

identified as (

    select * from {{ ref('int_order_lines_identified') }}

),

order_lines as (

    select
        ---------- ids
        order_line_id,
        order_id,
        customer_id,
        coalesce(product_id, 0) as product_id,
        campaign_id,
        return_of_order_id,

        ---------- the source's own keys
        source,
        order_key,
        line_key,
        customer_key,
        product_key,
        campaign_key,
        return_of_order_key,

        ---------- where
        channel,
        store_key,
        coupon,
        status,

        ---------- amounts, company currency, without tax
        quantity,
        unit_of_measure,
        cast(items as decimal(18, 6)) as items,
        gross_amount,
        discount_amount,
        order_discount_amount,
        net_amount,
        tax_amount,
        shipping_amount,
        fee_amount,
        cost_amount,
        contribution,
        currency,
        source_net_amount,
        cost_rule,

        ---------- booleans
        is_cost_assumed,
        is_return,

        ---------- times
        ordered_at,
        ordered_on,
        promised_on,
        delivered_on

    from identified

)

select * from order_lines
