with

customers as (

    select * from {{ ref('int_customers') }}

),

realised as (

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

valued as (

    select
        customers.customer_id,
        customers.first_order_on,
        customers.last_order_on,
        customers.orders,
        coalesce(realised.order_lines, 0) as order_lines,
        coalesce(realised.gross_revenue, 0) as gross_revenue,
        coalesce(realised.discounts, 0) as discounts,
        coalesce(realised.returns, 0) as returns,
        coalesce(realised.net_revenue, 0) as net_revenue,
        case when realised.customer_id is null then 0 else realised.cost_of_goods end as cost_of_goods,
        case when realised.customer_id is null then 0 else realised.contribution end as contribution,
        coalesce(realised.net_revenue_without_cost, 0) as net_revenue_without_cost,
        coalesce(realised.is_assumed, false) as is_assumed,
        -- the anonymous row is no customer, and has no place among them
        customers.customer_id <> 0 as is_ranked
    from customers
    left join realised on customers.customer_id = realised.customer_id

),

ranked as (

    select
        *,
        rank() over (partition by is_ranked order by net_revenue desc nulls last) as revenue_rank,
        rank() over (partition by is_ranked order by contribution desc nulls last) as value_rank,
        count(*) over (partition by is_ranked) as customers_ranked
    from valued

),

customer_value as (

    select
        ---------- ids
        customer_id,

        ---------- counts
        orders,
        cast(order_lines as bigint) as order_lines,

        ---------- realised, company currency, without tax
        {{ money('gross_revenue') }} as gross_revenue,
        {{ money('discounts') }} as discounts,
        {{ money('returns') }} as returns,
        {{ money('net_revenue') }} as net_revenue,
        {{ money('cost_of_goods') }} as cost_of_goods,
        {{ money('contribution') }} as contribution,
        {{ money('net_revenue_without_cost') }} as net_revenue_without_cost,

        ---------- ranks; equal figures share a rank and a decile
        case when is_ranked then revenue_rank end as net_revenue_rank,
        case when is_ranked then cast(floor(10 * (revenue_rank - 1) / customers_ranked) as int) + 1 end
            as net_revenue_decile,
        case when is_ranked and contribution is not null then value_rank end as contribution_rank,
        case
            when is_ranked and contribution is not null
                then cast(floor(10 * (value_rank - 1) / customers_ranked) as int) + 1
        end as contribution_decile,

        ---------- booleans
        is_assumed,

        ---------- dates
        first_order_on,
        last_order_on

    from ranked

)

select * from customer_value
