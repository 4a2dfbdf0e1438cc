{#- Buyers that each arm must have for its money to be compared: as campaigns. -#}
{%- set min_buyers = 100 -%}

with

programmes as (

    select * from {{ ref('stg_programmes') }}

),

customers as (

    select * from {{ ref('int_programme_customers') }}

),

rewards as (

    select
        customer_id,
        {{ month_of('rewarded_on') }} as month,
        sum(value_amount) as rewards
    from {{ ref('int_rewards_identified') }}
    where kind in ('redeemed', 'gift') and customer_id <> 0
    group by customer_id, {{ month_of('rewarded_on') }}

),

counted as (

    select
        customers.programme,
        customers.month,
        count(*) filter (where customers.is_member) as members,
        count(*) filter (where customers.is_member and customers.is_buyer) as buyers,
        sum(customers.discounts) filter (where customers.is_member) as discounts,
        sum(rewards.rewards) filter (where customers.is_member) as rewards
    from customers
    left join rewards on customers.customer_id = rewards.customer_id and customers.month = rewards.month
    group by customers.programme, customers.month

),

measured as (

    select
        programmes.programme,
        programmes.approach,
        programmes.stage,
        counted.month,
        counted.members,
        counted.buyers,
        comparisons.comparison,
        coalesce(comparisons.comparison_customers, 0) as comparison_customers,
        coalesce(programmes.monthly_cost, 0)
        + case when programmes.gain_component = 'rewards' then coalesce(counted.rewards, 0) else 0 end as cost_amount,
        programmes.monthly_cost is not null as is_cost_known,
        case
            when programmes.gain_component = 'rewards' then coalesce(counted.rewards, 0)
            when programmes.gain_component = 'discounts' then abs(coalesce(counted.discounts, 0))
        end as customer_gain_amount,
        cast(programmes.hours_saved as double) * counted.members as hours_saved,
        comparisons.compared_buyers >= {{ min_buyers }} and comparisons.comparison_buyers >= {{ min_buyers }}
            as has_enough_buyers,
        comparisons.contribution_difference * counted.members as total_difference,
        comparisons.contribution_low * counted.members as total_low,
        comparisons.contribution_high * counted.members as total_high
    from counted
    inner join programmes on counted.programme = programmes.programme
    left join {{ ref('int_programme_comparisons') }} as comparisons
        on counted.programme = comparisons.programme and cast(counted.month as string) = comparisons.month

)

select * from measured
