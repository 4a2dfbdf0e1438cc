{%- set segmentations = [
    'life_cycle_stage', 'value_tier', 'engagement_tier', 'rfm_group', 'rule_segment', 'micro_segment',
] -%}
{#- What may set a segment apart from the rest. -#}
{%- set traits = [
    'days_since_last_order', 'tenure_days', 'orders_12m', 'net_revenue_12m', 'categories_12m', 'products_12m', 'channels_12m',
    'discount_share_12m', 'engagement_score', 'expected_value',
] -%}
{{ config(materialized="view") }}

with

-- Sums of decimals do not depend on the order of the rows, sums of doubles do.
customers as (

    select
        {% for segmentation in segmentations %}
            {{ segmentation }},
        {% endfor %}
        {% for trait in traits %}
            cast({{ trait }} as decimal(18, 4)) as {{ trait }},
        {% endfor %}
        case when is_current_customer then 1 when is_customer then 2 else 3 end as population
    from {{ ref('int_customer_months_labelled') }}
    where is_as_of and customer_id <> 0

),

populations as (

    select
        {% for trait in traits %}
            cast(sum({{ trait }}) as double) / nullif(count({{ trait }}), 0) as mean_{{ trait }},
            sqrt(greatest(
                cast(sum({{ times(trait, trait) }}) as double) / nullif(count({{ trait }}), 0)
                - power(cast(sum({{ trait }}) as double) / nullif(count({{ trait }}), 0), 2), 0
            )) as spread_{{ trait }},
        {% endfor %}
        population
    from customers
    group by population

),

segments as (

    {% for segmentation in segmentations %}
        select
            '{{ segmentation }}' as segmentation,
            {{ segmentation }} as segment,
            {% for trait in traits %}
                cast(sum({{ trait }}) as double) / nullif(count({{ trait }}), 0) as mean_{{ trait }},
            {% endfor %}
            population
        from customers
        where {{ segmentation }} is not null
        group by {{ segmentation }}, population
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

populations_ranked as (

    select
        *,
        row_number() over (partition by segmentation, segment order by population asc nulls last) as sequence
    from segments

),

-- Like is compared with like: who is gone has not ordered for long, and says so of every segment they stand in.
alike as (

    select * from populations_ranked
    where sequence = 1

),

compared as (

    select
        alike.segmentation,
        alike.segment,
        {% for trait in traits %}
            alike.mean_{{ trait }},
            populations.mean_{{ trait }} as mean_{{ trait }}_of_all,
            populations.spread_{{ trait }} as spread_{{ trait }}_of_all,
        {% endfor %}
        case alike.population
            when 1 then 'current customers' when 2 then 'customers who are gone' else 'prospects'
        end as compared_with
    from alike
    inner join populations on alike.population = populations.population

)

select * from compared
