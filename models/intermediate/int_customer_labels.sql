{#- The measure of customer_months that each part of engagement is made of. -#}
{%- set parts = {
    'categories': 'categories_12m',
    'products': 'products_12m',
    'channels': 'channels_12m',
    'orders': 'orders_12m',
    'active_months': 'active_months_share',
    'contracts': 'contracts_running',
    'tenure': 'tenure_days',
    'answers': 'answer_share',
    'satisfaction': 'satisfaction_12m',
} -%}
{#- What is a share or a mark of its own, and no count that an average means something of. -#}
{%- set shares = ['active_months_share', 'answer_share', 'satisfaction_12m'] -%}
{%- set fifths = [0.2, 0.4, 0.6, 0.8] -%}

with

settings as (

    select * from {{ source('run', 'segment_settings') }}

),

engagement_weights as (

    select * from {{ ref('stg_engagement_weights') }}

),

rfm_groups as (

    select * from {{ ref('stg_rfm_groups') }}

),

customer_months as (

    select
        *,
        cast(active_months_12m as double) / least(12, 1 + tenure_days / 30.4375) as active_months_share,
        case
            when campaign_contacts_12m > 0
                then cast(campaign_answers_12m as double) / cast(campaign_contacts_12m as double)
        end as answer_share
    from {{ ref('int_customer_months') }}
    where customer_id <> 0

),

-- What divides the customers of a month-end: RFM's fifths of the buyers, the tiers of value, the average relationship.
bounds as (

    select
        {{ quantiles('-days_since_last_order', fifths) }} as recency_bounds,
        {{ quantiles('case when cumulative_orders > 0 then cumulative_orders end', fifths) }} as frequency_bounds,
        {{ quantiles('case when cumulative_orders > 0 then cumulative_net_revenue end', fifths) }} as monetary_bounds,
        {% for part, measure in parts.items() if measure not in shares %}
            cast(sum({{ measure }}) filter (where is_customer) as double)
            / nullif(count(*) filter (where is_customer), 0) as average_{{ part }},
        {% endfor %}
        measured_on
    from customer_months
    group by measured_on

),

weights as (

    select
        {% for part in parts %}
            max(weight) filter (where part = '{{ part }}') as {{ part }}_weight,
            max(full_at) filter (where part = '{{ part }}') as {{ part }}_full_at,
        {% endfor %}
        count(*) as parts
    from engagement_weights

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
        {% for score, measure, sign, limits in [
            ('recency', 'days_since_last_order', '<=', 'settings.rfm.recency_days'),
            ('frequency', 'cumulative_orders', '>=', 'settings.rfm.orders'),
            ('monetary', 'cumulative_net_revenue', '>=', 'settings.rfm.net_revenue'),
        ] %}
            case
                when customer_months.cumulative_orders > 0
                    then
                        {% for place in range(1, 5) %}
                            case
                                when customer_months.{{ measure }} {{ sign }} {{ nth(limits, place) }} then 1 else 0
                            end {{ '+' if not loop.last }}
                        {% endfor %}
                        + 1
            end as fixed_{{ score }}_score,
        {% endfor %}
        {% for part, measure in parts.items() %}
            {% set average = 'cast(null as double)' if measure in shares else 'bounds.average_' ~ part %}
            100 * case
                when customer_months.{{ measure }} is null then null
                when weights.{{ part }}_full_at > 0
                    then
                        least(
                            1,
                            cast(customer_months.{{ measure }} as double) / cast(weights.{{ part }}_full_at as double)
                        )
                when {{ average }} > 0
                    then
                        cast(customer_months.{{ measure }} as double)
                        / (cast(customer_months.{{ measure }} as double) + {{ average }})
            end as {{ part }}_points,
            coalesce(cast(weights.{{ part }}_weight as double), 0) as {{ part }}_weight,
        {% endfor %}
        case when customer_months.is_customer then customer_months.expected_contribution end as tier_value
    from customer_months
    inner join bounds on customer_months.measured_on = bounds.measured_on
    cross join weights
    cross join settings

),

summed as (

    select
        *,
        {% for part in parts %}
            coalesce({{ part }}_points, 0) * {{ part }}_weight {{ '+' if not loop.last }}
        {% endfor %}
            as weighted_points,
        {% for part in parts %}
            case when {{ part }}_points is not null then {{ part }}_weight else 0 end {{ '+' if not loop.last }}
        {% endfor %}
            as weight
    from scored

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
named_combinations as (

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

),

customer_labels as (

    select
        ---------- ids
        summed.customer_id,
        summed.measured_on,

        ---------- RFM
        summed.recency_score,
        summed.frequency_score,
        summed.monetary_score,
        case
            when summed.recency_score is not null then coalesce(by_quantiles.group_name, 'No group')
        end as rfm_group,
        summed.fixed_recency_score,
        summed.fixed_frequency_score,
        summed.fixed_monetary_score,
        case
            when summed.recency_score is not null then coalesce(by_thresholds.group_name, 'No group')
        end as fixed_rfm_group,

        ---------- life cycle
        case
            when summed.state in ('active', 'returned') then 'active'
            when summed.state in ('slowing', 'at_risk') then 'declining'
            when summed.state in ('lapsed', 'cancelled') then 'lapsed'
            else summed.state
        end as life_cycle_stage,

        ---------- engagement
        round(summed.weighted_points / nullif(summed.weight, 0), 1) as engagement_score,
        {% for part in parts %}
            case when summed.is_as_of then summed.{{ part }}_points end as {{ part }}_points,
        {% endfor %}

        ---------- what the value tiers are made of
        summed.tier_value,

        ---------- behaviour, for the micro-segments
        summed.days_since_last_order,
        summed.tenure_days,
        summed.orders_12m,
        summed.net_revenue_12m,
        summed.categories_12m,
        summed.products_12m,
        summed.channels_12m,
        summed.discount_share_12m,

        ---------- booleans
        summed.is_customer,
        summed.is_as_of

    from summed
    left join named_combinations as by_quantiles
        on
            summed.recency_score = by_quantiles.recency_score
            and summed.frequency_score = by_quantiles.frequency_score
            and summed.monetary_score = by_quantiles.monetary_score
    left join named_combinations as by_thresholds
        on
            summed.fixed_recency_score = by_thresholds.recency_score
            and summed.fixed_frequency_score = by_thresholds.frequency_score
            and summed.fixed_monetary_score = by_thresholds.monetary_score

)

select * from customer_labels
