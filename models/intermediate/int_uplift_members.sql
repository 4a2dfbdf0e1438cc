{#- What was known of a customer when the campaign began: numbers of their month. -#}
{%- set known = [
    'days_since_last_order', 'tenure_days', 'cumulative_orders', 'cumulative_net_revenue', 'orders_12m', 'active_months_12m',
    'net_revenue_12m', 'discount_share_12m', 'categories_12m', 'products_12m', 'channels_12m', 'active_contracts',
    'campaign_contacts_12m', 'campaign_answers_12m', 'satisfaction_12m', 'recency_ratio', 'p_alive', 'expected_value',
    'engagement_score',
] -%}
{{ config(materialized="view") }}

with

context as (

    select * from {{ source('run', 'context') }}

),

-- Campaigns by lot whose window is over: before, an effect would be looked for night by night until chance shows one.
periods as (

    select
        periods.campaign_id,
        periods.labelled_on,
        windows.window_from_on,
        windows.window_until_on
    from {{ ref('int_campaign_periods') }} as periods
    inner join {{ ref('int_campaign_windows') }} as windows on periods.campaign_id = windows.campaign_id
    cross join context
    where periods.is_randomised and windows.window_until_on <= context.as_of_on

),

members as (

    select members.*
    from {{ ref('int_campaign_customers') }} as members
    inner join periods on members.campaign_id = periods.campaign_id
    where members.is_member and not members.is_in_both_arms

),

bought as (

    select
        members.campaign_id,
        members.customer_id,
        count(*) filter (where order_days.sale_line_count > 0) as orders,
        sum(order_days.net_amount) as net_revenue,
        sum(order_days.contribution) as contribution,
        sum(order_days.net_amount_without_cost) as net_revenue_without_cost
    from members
    inner join periods on members.campaign_id = periods.campaign_id
    inner join {{ ref('int_order_days') }} as order_days
        on
            members.customer_id = order_days.customer_id
            and order_days.ordered_on between periods.window_from_on and periods.window_until_on
    group by members.campaign_id, members.customer_id

),

uplift_members as (

    select
        members.campaign_id,
        members.customer_id,
        members.is_chosen,
        members.value_tier,
        members.engagement_tier,
        members.rfm_group,
        coalesce(bought.orders, 0) > 0 as is_buyer,
        cast(coalesce(bought.net_revenue, 0) as double) as net_revenue,
        cast(case when bought.orders is null then 0 else bought.contribution end as double) as contribution,
        {% for column in known %}
            cast(months.{{ column }} as double) as {{ column }},
        {% endfor %}
        cast(coalesce(bought.net_revenue_without_cost, 0) as double) as net_revenue_without_cost
    from members
    inner join periods on members.campaign_id = periods.campaign_id
    left join bought on members.campaign_id = bought.campaign_id and members.customer_id = bought.customer_id
    left join {{ ref('int_customer_months_labelled') }} as months
        on members.customer_id = months.customer_id and periods.labelled_on = months.measured_on

)

select * from uplift_members
