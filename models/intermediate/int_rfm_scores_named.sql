{#- any: by the scores alone. -#}
{%- set stages = ['any', 'new', 'active', 'declining', 'lapsed'] -%}
{{ config(materialized="view") }}

with

rfm_groups as (

    select * from {{ ref('stg_rfm_groups') }}

),

fives as (

    {% for score in range(1, 6) %}
        select {{ score }} as score {{ 'union all' if not loop.last }}
    {% endfor %}

),

stages as (

    {% for stage in stages %}
        select '{{ stage }}' as life_cycle_stage {{ 'union all' if not loop.last }}
    {% endfor %}

),

combinations as (

    select
        stages.life_cycle_stage,
        recency.score as recency_score,
        frequency.score as frequency_score,
        monetary.score as monetary_score,
        100 * recency.score + 10 * frequency.score + monetary.score as rfm_score
    from stages
    cross join fives as recency
    cross join fives as frequency
    cross join fives as monetary

),

rules_that_fit as (

    select
        combinations.*,
        rfm_groups.group_name,
        rfm_groups.advice,
        row_number() over (
            partition by combinations.life_cycle_stage, combinations.rfm_score order by rfm_groups.rank asc nulls last
        ) as sequence
    from combinations
    inner join rfm_groups
        on
            combinations.recency_score between rfm_groups.recency_from and rfm_groups.recency_to
            and combinations.frequency_score between rfm_groups.frequency_from and rfm_groups.frequency_to
            and combinations.monetary_score between rfm_groups.monetary_from and rfm_groups.monetary_to
            and coalesce(nullif(rfm_groups.life_cycle_stage, ''), combinations.life_cycle_stage)
            = combinations.life_cycle_stage

),

-- The first rule that fits wins.
named as (

    select
        life_cycle_stage,
        recency_score,
        frequency_score,
        monetary_score,
        rfm_score,
        group_name,
        advice
    from rules_that_fit
    where sequence = 1

)

select * from named
