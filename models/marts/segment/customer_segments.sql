with

customers as (

    select * from {{ ref('int_customers') }}

),

months as (

    select * from {{ ref('customer_months') }}
    where is_as_of

),

labels as (

    select * from {{ ref('int_customer_labels') }}
    where is_as_of

),

by_rule as (

    select * from {{ ref('int_customer_segments') }}
    where customer_id is not null

),

rfm_groups as (

    select
        group_name,
        min_by(advice, rank) as advice
    from {{ ref('stg_rfm_groups') }}
    group by group_name

),

strategies as (

    select * from {{ ref('stg_segment_strategies') }}

),

customer_segments as (

    select
        ---------- ids
        customers.customer_id,

        ---------- value and engagement
        months.value_tier,
        months.engagement_tier,
        strategies.strategy,
        strategies.advice as strategy_advice,

        ---------- life cycle
        case when customers.customer_id = 0 then 'not identified' else coalesce(months.life_cycle_stage, 'prospect') end
            as life_cycle_stage,
        case when customers.customer_id <> 0 then coalesce(months.state, 'prospect') end as state,

        ---------- RFM
        case
            when customers.customer_id = 0 then 'Not identified'
            else coalesce(months.rfm_group, 'No orders')
        end as rfm_group,
        rfm_groups.advice as rfm_advice,
        case
            when customers.customer_id = 0 then 'Not identified'
            else coalesce(labels.rfm_group, 'No orders')
        end as rfm_group_by_scores,
        months.recency_score,
        months.frequency_score,
        months.monetary_score,
        case
            when customers.customer_id = 0 then 'Not identified'
            else coalesce(months.fixed_rfm_group, 'No orders')
        end as fixed_rfm_group,
        labels.fixed_recency_score,
        labels.fixed_frequency_score,
        labels.fixed_monetary_score,

        ---------- rules and behaviour
        months.rule_segment,
        by_rule.rule_segment_today,
        months.micro_segment,

        ---------- what the scores rest on
        months.days_since_last_order,
        coalesce(months.cumulative_orders, 0) as orders,
        coalesce(months.cumulative_net_revenue, 0) as net_revenue,
        months.expected_contribution,
        months.engagement_score

    from customers
    left join months on customers.customer_id = months.customer_id
    left join labels on customers.customer_id = labels.customer_id
    left join by_rule on labels.customer_id = by_rule.customer_id and labels.measured_on = by_rule.measured_on
    left join rfm_groups on months.rfm_group = rfm_groups.group_name
    left join strategies
        on months.value_tier = strategies.value_tier and months.engagement_tier = strategies.engagement_tier

)

select * from customer_segments
