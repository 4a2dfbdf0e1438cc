{{ config(materialized="view") }}

with

customers as (

    select * from {{ ref('int_customers') }}

),

sums as (

    select
        customer_id,
        sum(order_lines) as order_lines,
        sum(gross_revenue) as gross_revenue,
        sum(discounts) as discounts,
        sum(returns) as returns,
        sum(net_revenue) as net_revenue,
        sum(cost_of_goods) as cost_of_goods,
        sum(contribution) as contribution,
        sum(net_revenue_without_cost) as net_revenue_without_cost,
        bool_or(is_assumed) as is_assumed
    from {{ ref('int_customer_order_months') }}
    group by customer_id

),

summed as (

    select
        ---------- ids
        customers.customer_id,
        customers.record_key,

        ---------- counts
        customers.orders,
        coalesce(sums.order_lines, 0) as order_lines,

        ---------- amounts, company currency, without tax; a cost that is not known is null, and 0 of who bought nothing
        coalesce(sums.gross_revenue, 0) as gross_revenue,
        coalesce(sums.discounts, 0) as discounts,
        coalesce(sums.returns, 0) as returns,
        coalesce(sums.net_revenue, 0) as net_revenue,
        case when sums.customer_id is null then 0 else sums.cost_of_goods end as cost_of_goods,
        case when sums.customer_id is null then 0 else sums.contribution end as contribution,
        coalesce(sums.net_revenue_without_cost, 0) as net_revenue_without_cost,

        ---------- booleans
        customers.is_customer,
        coalesce(sums.is_assumed, false) as is_assumed,

        ---------- dates
        customers.first_ordered_on,
        customers.last_ordered_on

    from customers
    left join sums on customers.customer_id = sums.customer_id

)

select * from summed
