{#- The measure of customer_months that each part of engagement is made of. -#}
{%- set parts = {
    'categories': 'categories_12m',
    'products': 'products_12m',
    'channels': 'channels_12m',
    'orders': 'orders_12m',
    'active_months': 'active_months_share',
    'contracts': 'active_contracts',
    'tenure': 'tenure_days',
    'answers': 'answer_share',
    'satisfaction': 'satisfaction_12m',
} -%}
{#- What is a share or a mark of its own, and no count that an average means something of. -#}
{%- set shares = ['active_months_share', 'answer_share', 'satisfaction_12m'] -%}
{{ config(materialized="view") }}

with

customer_months as (

    select
        *,
        cast(active_months_12m as double) / least(12, 1 + cast(tenure_days as double) / 30.4375) as active_months_share,
        case
            when campaign_contacts_12m > 0
                then cast(campaign_answers_12m as double) / cast(campaign_contacts_12m as double)
        end as answer_share
    from {{ ref('int_customer_months') }}
    where customer_id <> 0

),

averages as (

    select
        {% for part, measure in parts.items() if measure not in shares %}
            cast(sum({{ measure }}) filter (where is_current_customer) as double)
            / nullif(count(*) filter (where is_current_customer), 0) as average_{{ part }},
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
    from {{ ref('stg_engagement_weights') }}

),

-- Against a full mark where one is set, else against the average relationship of the month-end.
points as (

    select
        {% for part, measure in parts.items() %}
            {% set average = 'cast(null as double)' if measure in shares else 'averages.average_' ~ part %}
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
        customer_months.*
    from customer_months
    inner join averages on customer_months.measured_on = averages.measured_on
    cross join weights

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
    from points

),

scored as (

    select
        ---------- ids
        customer_id,
        month,
        measured_on,

        ---------- the month
        state,
        orders,
        net_revenue,
        contribution,
        cumulative_orders,
        cumulative_net_revenue,
        cumulative_contribution,
        days_since_last_order,
        tenure_days,
        orders_12m,
        active_months_12m,
        net_revenue_12m,
        contribution_12m,
        discount_share_12m,
        categories_12m,
        products_12m,
        channels_12m,
        active_contracts,
        open_complaints,
        campaign_contacts_12m,
        campaign_answers_12m,
        satisfaction_12m,
        expected_days_between_orders,
        recency_ratio,
        p_alive,
        expected_value,

        ---------- engagement; its parts at the as-of day alone
        round(cast(weighted_points as double) / nullif(weight, 0), 1) as engagement_score,
        {% for part in parts %}
            case when is_as_of then {{ part }}_points end as {{ part }}_points,
        {% endfor %}

        ---------- booleans
        has_withdrawn_consent,
        is_left_censored,
        is_customer,
        is_current_customer,
        is_as_of

    from summed

)

select * from scored
