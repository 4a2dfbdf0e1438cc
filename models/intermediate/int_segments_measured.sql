{%- set segmentations = [
    'life_cycle_stage', 'value_tier', 'engagement_tier', 'rfm_group', 'rule_segment', 'micro_segment',
] -%}
{{ config(materialized="view") }}

with

months as (

    select * from {{ ref('int_customer_months_labelled') }}
    where is_as_of and customer_id <> 0

),

outlook as (

    select
        customer_id,
        churn_probability,
        value_at_risk
    from {{ ref('int_retention_outlook') }}
    where row_type = 'customer'

),

-- Sums of decimals do not depend on the order of the rows, sums of doubles do.
customers as (

    select
        months.customer_id,
        {% for segmentation in segmentations %}
            months.{{ segmentation }},
        {% endfor %}
        cast(months.net_revenue_12m as decimal(18, 4)) as net_revenue_12m,
        cast(months.engagement_score as decimal(18, 4)) as engagement_score,
        cast(months.expected_value as decimal(18, 4)) as expected_value,
        cast(months.p_alive as decimal(18, 6)) as p_alive,
        cast(outlook.churn_probability as decimal(18, 6)) as churn_probability,
        {{ money('outlook.value_at_risk') }} as value_at_risk
    from months
    left join outlook on months.customer_id = outlook.customer_id

),

company as (

    select count(*) as customers from customers

),

segments as (

    {% for segmentation in segmentations %}
        select
            '{{ segmentation }}' as segmentation,
            {{ segmentation }} as segment,
            sum(coalesce(expected_value, 0)) as expected_value,
            sum(coalesce(net_revenue_12m, 0)) as net_revenue_12m,
            sum(value_at_risk) as value_at_risk,
            cast(sum(p_alive) as double) / nullif(count(p_alive), 0) as mean_p_alive,
            cast(sum(churn_probability) as double) / nullif(count(churn_probability), 0) as mean_churn_probability,
            cast(sum(engagement_score) as double) / nullif(count(engagement_score), 0) as mean_engagement_score,
            count(*) as customers
        from customers
        where {{ segmentation }} is not null
        group by {{ segmentation }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

measured as (

    select
        segments.*,
        company.customers as customers_in_all
    from segments
    cross join company

)

select * from measured
