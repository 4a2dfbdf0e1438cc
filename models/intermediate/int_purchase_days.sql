{{ config(materialized="view") }}

with

order_days as (

    select * from {{ ref('int_order_days') }}

),

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

-- What a customer is charged for a contract of theirs is no purchase they decide on: contracts are forecast apart.
charges as (

    select
        order_id,
        ordered_on,
        count(*) as order_lines,
        count(*) filter (where not is_return) as sale_line_count,
        sum(net_amount) as net_amount,
        coalesce(sum(contribution), 0) as contribution,
        coalesce(sum(net_amount) filter (where cost_amount is null), 0) as net_amount_without_cost
    from {{ ref('int_contract_charges') }}
    group by order_id, ordered_on

),

bought as (

    select
        order_days.customer_id,
        order_days.ordered_on,
        order_days.sale_line_count - coalesce(charges.sale_line_count, 0) as sale_line_count,
        order_days.net_amount - coalesce(charges.net_amount, 0) as net_amount,
        order_days.contribution - coalesce(charges.contribution, 0) as contribution,
        order_days.net_amount_without_cost - coalesce(charges.net_amount_without_cost, 0) as net_amount_without_cost,
        0 as cost_to_serve
    from order_days
    left join charges on order_days.order_id = charges.order_id and order_days.ordered_on = charges.ordered_on
    where order_days.customer_id <> 0 and order_days.order_lines > coalesce(charges.order_lines, 0)

),

-- What serving and rewarding a customer cost follows from their being one, and will go on as long as they are one.
bought_or_served as (

    select * from bought
    union all
    select
        customer_id,
        opened_on as ordered_on,
        0 as sale_line_count,
        0 as net_amount,
        0 as contribution,
        0 as net_amount_without_cost,
        cost_amount as cost_to_serve
    from {{ ref('int_service_costs') }}
    where customer_id <> 0 and cost_amount <> 0
    union all
    select
        crosswalk.customer_id,
        rewards.rewarded_on as ordered_on,
        0 as sale_line_count,
        0 as net_amount,
        0 as contribution,
        0 as net_amount_without_cost,
        rewards.value_amount as cost_to_serve
    from {{ ref('stg_rewards') }} as rewards
    inner join crosswalk on rewards.customer_record_id = crosswalk.record_id
    where rewards.kind in ('redeemed', 'gift') and rewards.value_amount <> 0

),

purchase_days as (

    select
        ---------- ids
        customer_id,

        ---------- dates
        ordered_on,

        ---------- booleans
        sum(sale_line_count) > 0 as is_order,

        ---------- amounts, company currency, without tax
        cast(sum(net_amount) as double) as net_revenue,
        -- unknown as soon as the cost of one of the day's lines is
        cast(case when sum(net_amount_without_cost) = 0 then sum(contribution) end as double) as contribution,
        cast(sum(cost_to_serve) as double) as cost_to_serve

    from bought_or_served
    group by customer_id, ordered_on

)

select * from purchase_days
