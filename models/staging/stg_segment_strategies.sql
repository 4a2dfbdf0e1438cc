with

segment_strategies as (

    {{ company_rows_or_default(
        'segment_strategies', ['value_tier', 'engagement_tier', 'strategy', 'advice', 'value_proposition']
    ) }}

)

select * from segment_strategies
