with

customers as (

    select * from {{ ref('int_customers') }}

),

months as (

    select * from {{ ref('customer_months') }}
    where is_as_of

),

by_rule as (

    select
        customer_id,
        rule_segment_today
    from {{ ref('int_customer_segments') }}
    where customer_id is not null and measured_on = {{ as_of() }}

),

rfm_groups as (

    select * from {{ ref('int_rfm_scores_named') }}

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
        strategies.value_proposition,

        ---------- RFM
        case
            when customers.customer_id = 0 then 'Not identified'
            else coalesce(months.rfm_group, 'No orders')
        end as rfm_group,
        rfm_groups.advice as rfm_advice,
        months.held_rfm_score,
        months.recency_score,
        months.frequency_score,
        months.monetary_score,

        ---------- rules and behaviour
        months.rule_segment,
        by_rule.rule_segment_today,
        months.micro_segment

    from customers
    left join months on customers.customer_id = months.customer_id
    left join by_rule on customers.customer_id = by_rule.customer_id
    left join rfm_groups
        on months.held_rfm_score = rfm_groups.rfm_score and months.life_cycle_stage = rfm_groups.life_cycle_stage
    left join strategies
        on months.value_tier = strategies.value_tier and months.engagement_tier = strategies.engagement_tier

)

select * from customer_segments
