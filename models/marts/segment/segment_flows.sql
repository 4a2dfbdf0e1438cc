{%- set segmentations = [
    'life_cycle_stage', 'value_tier', 'engagement_tier', 'rfm_group', 'rule_segment', 'micro_segment',
] -%}
{%- set months_back = 12 -%}

with

context as (

    select
        as_of_on,
        {{ month_number('as_of_on') }} as as_of_month_number
    from {{ source('run', 'context') }}

),

recent as (

    select
        months.*,
        context.as_of_month_number - {{ month_number('months.month') }} as back
    from {{ ref('customer_months') }} as months
    inner join context
        on {{ month_number('months.month') }} >= context.as_of_month_number - {{ months_back }}
    where months.customer_id <> 0

),

month_ends as (

    select
        recent.back,
        min(least(recent.month_end, context.as_of_on)) as month_end
    from recent
    cross join context
    group by recent.back

),

-- Customers of one history are counted together, so that every pair of months is had from few rows.
{% for segmentation in segmentations %}
    {{ segmentation }}_histories as (

        select
            {% for back in range(months_back + 1) %}
                max(case when back = {{ back }} then {{ segmentation }} end) as segment_{{ back }},
            {% endfor %}
            customer_id
        from recent
        group by customer_id

    ),

{% endfor %}
histories as (

    {% for segmentation in segmentations %}
        select
            '{{ segmentation }}' as segmentation,
            {% for back in range(months_back + 1) %}
                segment_{{ back }},
            {% endfor %}
            count(*) as customers
        from {{ segmentation }}_histories
        group by all
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

numbered as (

    -- a CTE that is read twice may be computed twice: a rank by all columns is the same each time
    select
        *,
        dense_rank() over (
            order by
                {% for back in range(months_back + 1) %}
                    segment_{{ back }} asc nulls last,
                {% endfor %}
                segmentation asc nulls last
        ) as history
    from histories

),

stays as (

    {% for back in range(months_back + 1) %}
        select
            history,
            segmentation,
            {{ back }} as back,
            segment_{{ back }} as segment,
            customers
        from numbered
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

moves as (

    select
        stays.segmentation,
        stays.back as from_back,
        later.back as to_back,
        stays.segment as from_segment,
        later.segment as to_segment,
        sum(stays.customers) as customers
    from stays
    inner join stays as later on stays.history = later.history and stays.back > later.back
    where stays.segment is not null or later.segment is not null
    group by all

),

segment_flows as (

    select
        ---------- ids
        moves.segmentation,
        from_months.month_end as from_month_end,
        to_months.month_end as to_month_end,
        moves.from_segment,
        moves.to_segment,

        ---------- counts
        cast(moves.from_back - moves.to_back as int) as months_between,
        cast(moves.customers as bigint) as customers

    from moves
    inner join month_ends as from_months on moves.from_back = from_months.back
    inner join month_ends as to_months on moves.to_back = to_months.back

)

select * from segment_flows
