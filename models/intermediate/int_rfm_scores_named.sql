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

combinations as (

    select
        recency.score as recency_score,
        frequency.score as frequency_score,
        monetary.score as monetary_score
    from fives as recency
    cross join fives as frequency
    cross join fives as monetary

),

-- The first rule that fits wins.
named as (

    select
        combinations.*,
        rfm_groups.group_name
    from combinations
    inner join rfm_groups
        on
            combinations.recency_score between rfm_groups.recency_from and rfm_groups.recency_to
            and combinations.frequency_score between rfm_groups.frequency_from and rfm_groups.frequency_to
            and combinations.monetary_score between rfm_groups.monetary_from and rfm_groups.monetary_to
    qualify
        row_number() over (
            partition by combinations.recency_score, combinations.frequency_score, combinations.monetary_score
            order by rfm_groups.rank asc nulls last
        ) = 1

)

select * from named
