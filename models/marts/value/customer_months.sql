with

context as (

    select * from {{ source('run', 'context') }}

),

customers as (

    select * from {{ ref('int_customers') }}

),

customer_order_months as (

    select * from {{ ref('int_customer_order_months') }}

),

-- Months are numbered, so that a span of months is a difference of integers.
months as (

    select distinct
        month,
        month_end,
        year * 12 + month_of_year as month_number
    from {{ ref('calendar') }}

),

as_of_month as (

    select months.month_number
    from months
    inner join context on months.month = {{ month_of('context.as_of_on') }}

),

-- A customer may be seen before he orders: that month is one too.
first_months_without_orders as (

    select
        customers.customer_id,
        {{ month_of('customers.first_seen_on') }} as month
    from customers
    left join customer_order_months
        on
            customers.customer_id = customer_order_months.customer_id
            and {{ month_of('customers.first_seen_on') }} = customer_order_months.month
    where customers.first_seen_on is not null and customer_order_months.customer_id is null

),

months_of_change as (

    select
        customer_id,
        month,
        last_order_on,
        orders,
        order_lines,
        gross_revenue,
        discounts,
        returns,
        net_revenue,
        cost_of_goods,
        contribution,
        net_revenue_without_cost,
        is_assumed
    from customer_order_months
    union all
    select
        customer_id,
        month,
        null as last_order_on,
        0 as orders,
        0 as order_lines,
        0 as gross_revenue,
        0 as discounts,
        0 as returns,
        0 as net_revenue,
        null as cost_of_goods,
        null as contribution,
        0 as net_revenue_without_cost,
        false as is_assumed
    from first_months_without_orders

),

-- Each of these months with what had come together by its end, and the month that follows it.
spells as (

    select
        months_of_change.*,
        months.month_number as from_month_number,
        coalesce(lead(months.month_number) over by_month, as_of_month.month_number + 1) as before_month_number,
        sum(months_of_change.orders) over until_then as cumulative_orders,
        sum(months_of_change.net_revenue) over until_then as cumulative_net_revenue,
        sum(months_of_change.contribution) over until_then as cumulative_contribution,
        max(months_of_change.last_order_on) over until_then as last_order_until_then_on
    from months_of_change
    inner join months on months_of_change.month = months.month
    cross join as_of_month
    window
        by_month as (partition by months_of_change.customer_id order by months.month_number asc nulls last),
        until_then as (
            partition by months_of_change.customer_id order by months.month_number asc nulls last
            rows between unbounded preceding and current row
        )

),

-- Months in which nothing happened repeat the state that the last change left.
filled as (

    select
        spells.*,
        months.month as filled_month,
        months.month_end,
        spells.month = months.month as is_change,
        least(months.month_end, context.as_of_on) as measured_on
    from spells
    inner join months
        on
            spells.from_month_number <= months.month_number
            and spells.before_month_number > months.month_number
    cross join context

),

customer_months as (

    select
        ---------- ids
        customer_id,
        filled_month as month,
        month_end,

        ---------- counts
        case when is_change then orders else 0 end as orders,
        case when is_change then order_lines else 0 end as order_lines,

        ---------- amounts, company currency, without tax
        {{ money('case when is_change then gross_revenue else 0 end') }} as gross_revenue,
        {{ money('case when is_change then discounts else 0 end') }} as discounts,
        {{ money('case when is_change then returns else 0 end') }} as returns,
        {{ money('case when is_change then net_revenue else 0 end') }} as net_revenue,
        {{ money('case when is_change and order_lines > 0 then cost_of_goods else 0 end') }} as cost_of_goods,
        {{ money('case when is_change and order_lines > 0 then contribution else 0 end') }} as contribution,
        {{ money('case when is_change then net_revenue_without_cost else 0 end') }} as net_revenue_without_cost,

        ---------- since the beginning
        cast(cumulative_orders as bigint) as cumulative_orders,
        {{ money('cumulative_net_revenue') }} as cumulative_net_revenue,
        {{ money('cumulative_contribution') }} as cumulative_contribution,
        {{ days_from('last_order_until_then_on', 'measured_on') }} as days_since_last_order,

        ---------- booleans
        is_change and is_assumed as is_assumed,
        month_end = measured_on as is_month_complete

    from filled

)

select * from customer_months
