{%- set segmentations = [
    'life_cycle_stage', 'value_tier', 'engagement_tier', 'rfm_group', 'rule_segment', 'micro_segment',
] -%}

with

months as (

    select
        customer_id,
        {% for segmentation in segmentations %}
            {{ segmentation }},
            lag({{ segmentation }}) over by_month as previous_{{ segmentation }},
        {% endfor %}
        least(month_end, {{ as_of() }}) as valid_on
    from {{ ref('customer_months') }}
    where customer_id <> 0
    window by_month as (partition by customer_id order by month asc nulls last)

),

-- Months at which a segment begins; a month at which it ends without another is one of no segment.
beginnings as (

    {% for segmentation in segmentations %}
        select
            customer_id,
            '{{ segmentation }}' as segmentation,
            {{ segmentation }} as segment,
            valid_on as valid_from_on
        from months
        where coalesce({{ segmentation }}, '') <> coalesce(previous_{{ segmentation }}, '')
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

lasting as (

    select
        *,
        lead(valid_from_on) over (
            partition by customer_id, segmentation order by valid_from_on asc nulls last
        ) as valid_until_on
    from beginnings

),

segment_history as (

    select
        ---------- ids
        customer_id,
        segmentation,
        segment,

        ---------- dates
        valid_from_on,
        valid_until_on,

        ---------- booleans
        valid_until_on is null as is_current

    from lasting
    where segment is not null

)

select * from segment_history
