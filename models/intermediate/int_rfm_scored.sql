{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{% if is_incremental() %}{{ drop_touched_months('measured_on') }}{% endif %}",
    )
}}
{%- set parts = [
    'categories', 'products', 'channels', 'orders', 'active_months', 'contracts', 'tenure', 'answers', 'satisfaction',
] -%}
{%- set fifths = [0.2, 0.4, 0.6, 0.8] -%}
{%- set touched = is_touched('month') %}

with

rfm_scores as (

    select * from {{ ref('int_rfm_scores_named') }}
    where life_cycle_stage = 'any'

),

customer_months as (

    select * from {{ ref('int_engagement_scored') }}
    {% if is_incremental() %}
        where {{ touched }}
    {% endif %}

),

-- What divides the customers of a month-end: RFM's fifths of the buyers; and whether anything is expected of anybody.
bounds as (

    select
        count(expected_value) > 0 as is_forecast,
        {{ quantiles('-days_since_last_order', fifths) }} as recency_bounds,
        {{ quantiles('case when cumulative_orders > 0 then cumulative_orders end', fifths) }} as frequency_bounds,
        {{ quantiles('case when cumulative_orders > 0 then cumulative_net_revenue end', fifths) }} as monetary_bounds,
        measured_on
    from customer_months
    group by measured_on

),

-- A score counts the fifths of buyers who do strictly worse, so that equal buyers have equal scores.
scored as (

    select
        customer_months.*,
        {% for score, measure, list in [
            ('recency', '-customer_months.days_since_last_order', 'recency_bounds'),
            ('frequency', 'customer_months.cumulative_orders', 'frequency_bounds'),
            ('monetary', 'customer_months.cumulative_net_revenue', 'monetary_bounds'),
        ] %}
            case
                when customer_months.cumulative_orders > 0
                    then
                        {% for place in range(1, 5) %}
                            case
                                when {{ measure }} > {{ nth('bounds.' ~ list, place) }} then 1 else 0
                            end {{ '+' if not loop.last }}
                        {% endfor %}
                        + 1
            end as {{ score }}_score,
        {% endfor %}
        -- of whom nothing can be expected counts as nothing, once anything is expected of anybody
        case
            when customer_months.is_customer and bounds.is_forecast then coalesce(customer_months.expected_value, 0)
        end as tier_value
    from customer_months
    inner join bounds on customer_months.measured_on = bounds.measured_on

),

customer_labels as (

    select
        ---------- ids
        scored.customer_id,
        scored.measured_on,

        ---------- RFM
        scored.recency_score,
        scored.frequency_score,
        scored.monetary_score,
        100 * scored.recency_score + 10 * scored.frequency_score + scored.monetary_score as rfm_score,
        case
            when scored.recency_score is not null then coalesce(rfm_scores.group_name, 'No group')
        end as rfm_group_by_scores,

        ---------- life cycle
        case
            when scored.state in ('active', 'returned') then 'active'
            when scored.state in ('slowing', 'at_risk') then 'declining'
            when scored.state in ('lapsed', 'cancelled') then 'lapsed'
            else scored.state
        end as life_cycle_stage,

        ---------- engagement
        scored.engagement_score,
        {% for part in parts %}
            scored.{{ part }}_points,
        {% endfor %}

        ---------- what the value tiers are made of
        scored.tier_value,

        ---------- behaviour, for the micro-segments
        scored.days_since_last_order,
        scored.tenure_days,
        scored.orders_12m,
        scored.net_revenue_12m,
        scored.categories_12m,
        scored.products_12m,
        scored.channels_12m,
        scored.discount_share_12m,

        ---------- booleans
        scored.is_customer,
        scored.is_current_customer,
        scored.is_as_of

    from scored
    left join rfm_scores
        on
            scored.recency_score = rfm_scores.recency_score
            and scored.frequency_score = rfm_scores.frequency_score
            and scored.monetary_score = rfm_scores.monetary_score

)

select * from customer_labels
