{%- set parts = [
    'categories', 'products', 'channels', 'orders', 'active_months', 'contracts', 'tenure', 'answers', 'satisfaction',
] -%}
{%- set fifths = [0.2, 0.4, 0.6, 0.8] -%}

with

rfm_scores as (

    select * from {{ ref('int_rfm_scores_named') }}

),

-- Rule segments see these columns and the scores below; clientela/segment/columns.py names them to the check of a rule.
customer_months as (

    select * from {{ ref('int_engagement_scored') }}

),

-- What divides the customers of a month-end: RFM's fifths of the buyers, the tiers of value.
bounds as (

    select
        {{ quantiles('-days_since_last_order', fifths) }} as recency_bounds,
        {{ quantiles('case when cumulative_orders > 0 then cumulative_orders end', fifths) }} as frequency_bounds,
        {{ quantiles('case when cumulative_orders > 0 then cumulative_net_revenue end', fifths) }} as monetary_bounds,
        {{ quantiles('case when is_customer then expected_contribution end', var('value_tiers')) }} as value_bounds,
        measured_on
    from customer_months
    group by measured_on

),

-- A score counts the fifths of buyers who do strictly worse, so that equal buyers have equal scores.
scored as (

    select
        customer_months.*,
        case when customer_months.is_customer then customer_months.expected_contribution end as tier_value,
        {{ nth('bounds.value_bounds', 1) }} as medium_value_from,
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
        {% for score, measure, sign, limits in [
            ('recency', 'days_since_last_order', '<=', var('rfm').recency_days),
            ('frequency', 'cumulative_orders', '>=', var('rfm').orders),
            ('monetary', 'cumulative_net_revenue', '>=', var('rfm').net_revenue),
        ] %}
            case
                when customer_months.cumulative_orders > 0
                    then
                        {% for limit in limits %}
                            case
                                when customer_months.{{ measure }} {{ sign }} {{ limit }} then 1 else 0
                            end {{ '+' if not loop.last }}
                        {% endfor %}
                        + 1
            end as fixed_{{ score }}_score,
        {% endfor %}
        {{ nth('bounds.value_bounds', 2) }} as high_value_from
    from customer_months
    inner join bounds on customer_months.measured_on = bounds.measured_on

),

ruled as (

    select
        *,
        {{ rule_segment() }} as rule_segment
    from scored

),

customer_labels as (

    select
        ---------- ids
        ruled.customer_id,
        ruled.measured_on,

        ---------- RFM
        ruled.recency_score,
        ruled.frequency_score,
        ruled.monetary_score,
        case
            when ruled.recency_score is not null then coalesce(by_quantiles.group_name, 'No group')
        end as rfm_group,
        ruled.fixed_recency_score,
        ruled.fixed_frequency_score,
        ruled.fixed_monetary_score,
        case
            when ruled.recency_score is not null then coalesce(by_thresholds.group_name, 'No group')
        end as fixed_rfm_group,

        ---------- life cycle and rules
        case
            when ruled.state in ('active', 'returned') then 'active'
            when ruled.state in ('slowing', 'at_risk') then 'declining'
            when ruled.state in ('lapsed', 'cancelled') then 'lapsed'
            else ruled.state
        end as life_cycle_stage,
        ruled.rule_segment,

        ---------- engagement
        ruled.engagement_score,
        {% for part in parts %}
            ruled.{{ part }}_points,
        {% endfor %}

        ---------- what the tiers are made of
        ruled.tier_value,
        ruled.medium_value_from,
        ruled.high_value_from,

        ---------- behaviour, for the micro-segments
        ruled.days_since_last_order,
        ruled.tenure_days,
        ruled.orders_12m,
        ruled.net_revenue_12m,
        ruled.categories_12m,
        ruled.products_12m,
        ruled.channels_12m,
        ruled.discount_share_12m,

        ---------- booleans
        ruled.is_customer,
        ruled.is_as_of

    from ruled
    left join rfm_scores as by_quantiles
        on
            ruled.recency_score = by_quantiles.recency_score
            and ruled.frequency_score = by_quantiles.frequency_score
            and ruled.monetary_score = by_quantiles.monetary_score
    left join rfm_scores as by_thresholds
        on
            ruled.fixed_recency_score = by_thresholds.recency_score
            and ruled.fixed_frequency_score = by_thresholds.frequency_score
            and ruled.fixed_monetary_score = by_thresholds.monetary_score

)

select * from customer_labels
