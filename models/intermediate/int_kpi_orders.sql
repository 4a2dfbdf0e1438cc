{{ config(materialized="view") }}

with

orders as (

    select * from {{ ref('orders') }}

),

kpi_orders as (

    select
        ---------- ids
        {{ month_of('orders.ordered_on') }} as month,
        orders.customer_id,

        ---------- segments at the end and the start of the month in which it was placed
        {{ segments_of_months() }}
        orders.channel,

        ---------- what it was
        orders.order_lines,
        orders.items,
        orders.gross_sales_amount,
        orders.sales_discount_amount,
        orders.return_amount,
        orders.net_amount,
        orders.contribution,

        ---------- booleans
        orders.is_return,
        orders.delivered_on <= orders.promised_on as is_on_time

    from orders
    {{ join_customer_months('orders', 'ordered_on') }}

)

select * from kpi_orders
