{%- set segmentations = [
    'life_cycle_stage', 'value_tier', 'engagement_tier', 'rfm_group', 'rule_segment', 'micro_segment',
] -%}
{#- What may set a segment apart from the rest. -#}
{%- set traits = [
    'days_since_last_order', 'tenure_days', 'orders_12m', 'net_revenue_12m', 'categories_12m', 'products_12m', 'channels_12m',
    'discount_share_12m', 'engagement_score', 'expected_contribution',
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
        {% for trait in traits %}
            cast(months.{{ trait }} as decimal(18, 4)) as {{ trait }},
        {% endfor %}
        cast(months.p_alive as decimal(18, 6)) as p_alive,
        cast(outlook.churn_probability as decimal(18, 6)) as churn_probability,
        {{ money('outlook.value_at_risk') }} as value_at_risk
    from months
    left join outlook on months.customer_id = outlook.customer_id

),

company as (

    select
        {% for trait in traits %}
            cast(sum({{ trait }}) as double) / nullif(count({{ trait }}), 0) as mean_{{ trait }},
            sqrt(greatest(
                cast(sum({{ times(trait, trait) }}) as double) / nullif(count({{ trait }}), 0)
                - power(cast(sum({{ trait }}) as double) / nullif(count({{ trait }}), 0), 2), 0
            )) as spread_{{ trait }},
        {% endfor %}
        count(*) as customers
    from customers

),

segments as (

    {% for segmentation in segmentations %}
        select
            '{{ segmentation }}' as segmentation,
            {{ segmentation }} as segment,
            sum(coalesce(expected_contribution, 0)) as expected_contribution,
            sum(coalesce(net_revenue_12m, 0)) as net_revenue_12m,
            sum(value_at_risk) as value_at_risk,
            cast(sum(p_alive) as double) / nullif(count(p_alive), 0) as mean_p_alive,
            cast(sum(churn_probability) as double) / nullif(count(churn_probability), 0) as mean_churn_probability,
            {% for trait in traits %}
                cast(sum({{ trait }}) as double) / nullif(count({{ trait }}), 0) as mean_{{ trait }},
            {% endfor %}
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
        {% for trait in traits %}
            company.mean_{{ trait }} as mean_{{ trait }}_of_all,
            company.spread_{{ trait }} as spread_{{ trait }}_of_all,
        {% endfor %}
        company.customers as customers_in_all
    from segments
    cross join company

)

select * from measured
