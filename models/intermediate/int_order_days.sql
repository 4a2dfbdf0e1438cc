{{ config(materialized="view") }}

with

orders as (

    select * from {{ ref('int_orders') }}

),

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

-- Nearly every order: all its lines fall on one day.
orders_of_one_day as (

    select
        order_id,
        ordered_on,
        order_lines,
        sale_line_count,
        gross_amount,
        discount_amount,
        return_amount,
        net_amount,
        cost_amount,
        contribution,
        net_amount_without_cost,
        is_cost_assumed
    from {{ ref('int_orders') }}
    where ordered_on = last_line_on

),

-- A return that is booked on its order weeks later counts on its own day, and leaves past months as they were.
orders_of_several_days as (

    select
        order_lines.order_id,
        order_lines.ordered_on,
        count(*) as order_lines,
        count(*) filter (where not order_lines.is_return) as sale_line_count,
        coalesce(sum(order_lines.gross_amount) filter (where not order_lines.is_return), 0) as gross_amount,
        coalesce(sum(order_lines.discount_amount) filter (where not order_lines.is_return), 0) as discount_amount,
        coalesce(sum(order_lines.net_amount) filter (where order_lines.is_return), 0) as return_amount,
        sum(order_lines.net_amount) as net_amount,
        sum(order_lines.cost_amount) as cost_amount,
        sum(order_lines.contribution) as contribution,
        coalesce(
            sum(order_lines.net_amount) filter (where order_lines.cost_amount is null), 0
        ) as net_amount_without_cost,
        bool_or(order_lines.is_cost_assumed) as is_cost_assumed
    from {{ ref('int_order_lines') }} as order_lines
    where
        order_lines.order_id in (
            select orders.order_id
            from orders
            where orders.ordered_on <> orders.last_line_on
        )
    group by order_lines.order_id, order_lines.ordered_on

),

order_days as (

    select * from orders_of_one_day
    union all
    select * from orders_of_several_days

),

with_customer as (

    select
        ---------- ids
        order_days.order_id,
        coalesce(crosswalk.customer_id, 0) as customer_id,

        ---------- dates
        order_days.ordered_on,

        ---------- counts
        order_days.order_lines,
        order_days.sale_line_count,

        ---------- amounts, company currency, without tax
        {{ money('order_days.gross_amount') }} as gross_amount,
        {{ money('order_days.discount_amount') }} as discount_amount,
        {{ money('order_days.return_amount') }} as return_amount,
        {{ money('order_days.net_amount') }} as net_amount,
        {{ money('order_days.cost_amount') }} as cost_amount,
        {{ money('order_days.contribution') }} as contribution,
        {{ money('order_days.net_amount_without_cost') }} as net_amount_without_cost,

        ---------- booleans
        order_days.is_cost_assumed,
        coalesce(order_days.ordered_on = orders.first_sale_on, false) as is_first_sale_day

    from order_days
    inner join orders on order_days.order_id = orders.order_id
    left join crosswalk on orders.customer_record_id = crosswalk.record_id

)

select * from with_customer
