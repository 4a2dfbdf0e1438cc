{#- What may set a segment apart: how its mean is written, and the matter that it tells of. -#}
{%- set portrait_traits = {
    'days_since_last_order': ['number', 'recency'],
    'tenure_days': ['number', 'tenure'],
    'orders_12m': ['decimal', 'frequency'],
    'net_revenue_12m': ['amount', 'money'],
    'categories_12m': ['decimal', 'breadth'],
    'products_12m': ['decimal', 'breadth'],
    'channels_12m': ['decimal', 'channels'],
    'discount_share_12m': ['share', 'discounts'],
    'engagement_score': ['number', 'engagement'],
    'expected_value': ['amount', 'expectation'],
} -%}
{{ config(materialized="view") }}

with

context as (

    select currency from {{ source('run', 'context') }}

),

texts as (

    select * from {{ ref('int_texts') }}
    where area = 'portrait'

),

-- What frames the words of a trait.
frames as (

    select
        max(case when text_key = 'feature' then text end) as feature,
        max(case when text_key = 'average' then text end) as average,
        max(case when text_key = 'decimal_point' then text end) as decimal_point
    from texts

),

segments as (

    select * from {{ ref('int_segments_compared') }}

),

compared as (

    {% for trait, (written_as, matter) in portrait_traits.items() %}
        select
            segmentation,
            segment,
            '{{ trait }}' as trait,
            '{{ written_as }}' as written_as,
            '{{ matter }}' as matter,
            mean_{{ trait }} as mean_here,
            mean_{{ trait }}_of_all as mean_of_all,
            cast(mean_{{ trait }} - mean_{{ trait }}_of_all as double)
            / nullif(spread_{{ trait }}_of_all, 0) as difference
        from segments
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

differences as (

    select
        *,
        row_number() over (
            partition by segmentation, segment, matter
            order by round(abs(difference), 6) desc nulls last, trait asc nulls last
        ) as sequence
    from compared
    where abs(difference) >= 0.2

),

-- Of each matter the measure that differs most, in standard deviations.
distinct_ones as (

    select * from differences
    where sequence = 1

),

written as (

    select
        distinct_ones.segmentation,
        distinct_ones.segment,
        names.text as name,
        frames.feature,
        labels.text as label,
        {% for mean in ['mean_here', 'mean_of_all'] %}
            case distinct_ones.written_as
                when 'decimal'
                    then
                        replace(
                            cast(cast(distinct_ones.{{ mean }} as decimal(18, 1)) as string),
                            '.',
                            frames.decimal_point
                        )
                when 'share' then cast(cast(100 * distinct_ones.{{ mean }} as decimal(18, 0)) as string) || ' %'
                when 'amount'
                    then cast(cast(distinct_ones.{{ mean }} as decimal(18, 0)) as string) || ' ' || context.currency
                else cast(cast(distinct_ones.{{ mean }} as decimal(18, 0)) as string)
            end as {{ mean }},
        {% endfor %}
        row_number() over (
            partition by distinct_ones.segmentation, distinct_ones.segment
            order by round(abs(distinct_ones.difference), 6) desc nulls last, distinct_ones.trait asc nulls last
        ) as place
    from distinct_ones
    cross join context
    cross join frames
    left join texts as labels on distinct_ones.trait = labels.text_key
    left join texts as names
        on distinct_ones.trait || case when distinct_ones.difference > 0 then '.high' else '.low' end = names.text_key

),

portraits as (

    select
        segments.segmentation,
        {% for place in range(1, 4) %}
            max(case when written.place = {{ place }} then written.name end) as name_{{ place }},
            max(
                case
                    when written.place = {{ place }}
                        then
                            replace(replace(replace(
                                written.feature, '{label}', written.label
                            ), '{mean}', written.mean_here), '{all}', written.mean_of_all)
                end
            ) as feature_{{ place }},
        {% endfor %}
        segments.segment,
        segments.compared_with,
        max(frames.average) as average
    from segments
    cross join frames
    left join written on segments.segmentation = written.segmentation and segments.segment = written.segment
    group by segments.segmentation, segments.segment, segments.compared_with

),

named as (

    select
        *,
        coalesce(name_1 || coalesce(', ' || name_2, ''), average) as two_words,
        coalesce(name_1 || coalesce(', ' || name_2, '') || coalesce(', ' || name_3, ''), average) as three_words
    from portraits

),

-- Two words make a name; three where two would name another segment as well, and then its own name beside them.
told_apart as (

    select
        *,
        case
            when count(*) over (partition by segmentation, two_words) = 1 then two_words
            when count(*) over (partition by segmentation, three_words) = 1 then three_words
            else three_words || ' (' || segment || ')'
        end as name
    from named

),

portrayed as (

    select
        segmentation,
        segment,
        compared_with,
        feature_1 || coalesce('; ' || feature_2, '') || coalesce('; ' || feature_3, '') as distinguishing_features,
        case
            when segmentation = 'micro_segment' then upper(substr(name, 1, 1)) || substr(name, 2)
        end as proposed_name
    from told_apart

)

select * from portrayed
