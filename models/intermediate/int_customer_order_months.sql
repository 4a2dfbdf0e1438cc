with

order_days as (

    select
        *,
        {{ month_of('ordered_on') }} as month
    from {{ ref('int_order_days') }}

),

customer_order_months as (

    select
        ---------- ids
        customer_id,

        ---------- dates
        month,
        min(ordered_on) as first_line_on,
        max(ordered_on) as last_line_on,
        min(ordered_on) filter (where sale_line_count > 0) as first_ordered_on,
        max(ordered_on) filter (where sale_line_count > 0) as last_ordered_on,

        ---------- counts
        count(*) filter (where is_first_sale_day) as orders,
        cast(sum(order_lines) as bigint) as order_lines,

        ---------- amounts, company currency, without tax
        {{ money('sum(gross_amount)') }} as gross_revenue,
        {{ money('sum(discount_amount)') }} as discounts,
        {{ money('sum(return_amount)') }} as returns,
        {{ money('sum(net_amount)') }} as net_revenue,
        {{ money('sum(cost_amount)') }} as cost_of_goods,
        {{ money('sum(contribution)') }} as contribution,
        {{ money('sum(net_amount_without_cost)') }} as net_revenue_without_cost,

        ---------- booleans
        bool_or(is_cost_assumed) as is_assumed

    from order_days
    group by customer_id, month

)

select * from customer_order_months
