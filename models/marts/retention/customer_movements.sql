{%- set segmentations = [
    'life_cycle_stage', 'value_tier', 'engagement_tier', 'rfm_group', 'rule_segment', 'micro_segment',
] -%}

with

-- Each customer at a month's end and the end of the month before. Value is what they are expected to bring; where one
-- of the two month-ends was not forecast, there is none.
neighbours as (

    select
        customer_id,
        month,
        is_month_complete,
        is_current_customer,
        coalesce(lag(is_current_customer) over by_month, false) as was_current_customer,
        coalesce(lag(state) over by_month, 'prospect') in ('lapsed', 'cancelled') as was_gone,
        {% for segmentation in segmentations %}
            coalesce({{ segmentation }}, 'none') as {{ segmentation }},
            coalesce(lag({{ segmentation }}) over by_month, 'none') as previous_{{ segmentation }},
        {% endfor %}
        {{ money('coalesce(expected_value, 0)') }} as expected_value,
        lag({{ money('coalesce(expected_value, 0)') }}) over by_month as previous_value
    from {{ ref('customer_months') }}
    where customer_id <> 0
    window by_month as (partition by customer_id order by month asc nulls last)

),

forecast_months as (

    select
        month,
        count(expected_value) > 0 as has_value,
        lag(count(expected_value) > 0) over (order by month asc nulls last) as had_value
    from {{ ref('customer_months') }}
    group by month

),

-- Customers who moved alike are one row, whatever the segmentation.
moves as (

    select
        month,
        is_month_complete,
        was_current_customer,
        is_current_customer,
        was_gone,
        {% for segmentation in segmentations %}
            {{ segmentation }},
            previous_{{ segmentation }},
        {% endfor %}
        count(*) as customers,
        sum(expected_value) as expected_value,
        sum(coalesce(previous_value, 0)) as previous_value
    from neighbours
    where was_current_customer or is_current_customer
    group by all

),

-- What each move is for the segment that the customer is in, and for the one that they were in.
steps as (

    {% for segmentation in ['all'] + segmentations %}
        {% set here = "'all'" if segmentation == 'all' else segmentation %}
        {% set there = "'all'" if segmentation == 'all' else 'previous_' ~ segmentation %}
        select
            month,
            is_month_complete,
            '{{ segmentation }}' as segmentation,
            {{ here }} as segment,
            true as is_here,
            was_current_customer,
            is_current_customer,
            was_gone,
            {{ here }} = {{ there }} as is_same,
            customers,
            expected_value,
            previous_value
        from moves
        where is_current_customer
        union all
        select
            month,
            is_month_complete,
            '{{ segmentation }}' as segmentation,
            {{ there }} as segment,
            false as is_here,
            was_current_customer,
            is_current_customer,
            was_gone,
            {{ here }} = {{ there }} as is_same,
            customers,
            expected_value,
            previous_value
        from moves
        where was_current_customer
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

counted as (

    select
        month,
        segmentation,
        segment,
        bool_and(is_month_complete) as is_month_complete,
        {% for measure, here, there in [
            ('customers', 'customers', 'customers'), ('value', 'expected_value', 'previous_value'),
        ] %}
            coalesce(sum({{ there }}) filter (where not is_here), 0) as opening_{{ measure }},
            coalesce(sum({{ here }}) filter (where is_here and not was_current_customer and not was_gone), 0)
                as new_{{ measure }},
            coalesce(sum({{ here }}) filter (where is_here and not was_current_customer and was_gone), 0)
                as returned_{{ measure }},
            coalesce(sum({{ there }}) filter (where not is_here and not is_current_customer), 0)
                as lapsed_{{ measure }},
            coalesce(sum({{ there }}) filter (where is_here and was_current_customer and not is_same), 0)
                as moved_in_{{ measure }},
            coalesce(sum({{ there }}) filter (where not is_here and is_current_customer and not is_same), 0)
                as moved_out_{{ measure }},
            coalesce(sum({{ here }}) filter (where is_here), 0) as closing_{{ measure }},
        {% endfor %}
        coalesce(sum(expected_value - previous_value) filter (where is_here and was_current_customer), 0) as revaluation
    from steps
    group by month, segmentation, segment

),

customer_movements as (

    select
        ---------- ids
        counted.month,
        counted.segmentation,
        counted.segment,

        ---------- customers
        {% for term in ['opening', 'new', 'returned', 'lapsed', 'moved_in', 'moved_out', 'closing'] %}
            cast(counted.{{ term }}_customers as bigint) as {{ term }}_customers,
        {% endfor %}

        ---------- expected value, company currency
        {% for term in ['opening', 'new', 'returned', 'lapsed', 'moved_in', 'moved_out'] %}
            case
                when
                    forecast_months.has_value and forecast_months.had_value
                    then cast(counted.{{ term }}_value as double)
            end
                as expected_{{ term }}_value,
        {% endfor %}
        case when forecast_months.has_value and forecast_months.had_value then cast(counted.revaluation as double) end
            as expected_revaluation,
        case when forecast_months.has_value and forecast_months.had_value then cast(counted.closing_value as double) end
            as expected_closing_value,

        ---------- booleans
        counted.is_month_complete

    from counted
    inner join forecast_months on counted.month = forecast_months.month

)

select * from customer_movements
