{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{% if is_incremental() %}{{ drop_touched_months('month') }}{% endif %}",
    )
}}
{#- Said before the question whether it is used, so that dbt sees what it reads even while nothing is built yet. -#}
{%- set touched = is_touched('month') %}

with

context as (

    select * from {{ source('run', 'context') }}

),

customers as (

    select * from {{ ref('int_customers') }}

),

customer_states as (

    select * from {{ ref('int_customer_states') }}

),

forecasts as (

    select * from {{ ref('int_customer_forecasts') }}

),

months as (

    select distinct
        month,
        month_end,
        year * 12 + month_of_year as month_number
    from {{ ref('int_calendar') }}
    {% if is_incremental() %}
        where {{ touched }}
    {% endif %}

),

spells as (

    select * from {{ ref('int_customer_spells_summed') }}

),

-- Months in which nothing happened repeat the state that the last change left.
filled as (

    select
        spells.*,
        customers.first_seen_on,
        customers.is_left_censored,
        months.month,
        months.month_end,
        spells.from_month_number = months.month_number as is_change,
        least(months.month_end, context.as_of_on) as measured_on
    from spells
    inner join months
        on
            spells.from_month_number <= months.month_number
            and spells.before_month_number > months.month_number
    inner join customers on spells.customer_id = customers.customer_id
    cross join context

),

customer_months as (

    select
        ---------- ids
        filled.customer_id,
        filled.month,
        filled.month_end,
        filled.measured_on,

        ---------- state
        case
            when filled.customer_id <> 0 then coalesce(customer_states.state, 'prospect')
        end as state,
        customer_states.expected_days_between_orders,
        customer_states.stddev_days_between_orders,
        customer_states.recency_ratio,
        customer_states.recency_zscore,
        customer_states.lapses_after_days,
        customer_states.lapsed_on,
        customer_states.returned_on,
        customer_states.cancelled_by,

        ---------- counts
        cast(case when filled.is_change then filled.orders else 0 end as bigint) as orders,
        cast(case when filled.is_change then filled.order_lines else 0 end as bigint) as order_lines,

        ---------- amounts, company currency, without tax
        {% for measure in ['gross_revenue', 'discounts', 'returns', 'net_revenue'] %}
            {{ money('case when filled.is_change then filled.' ~ measure ~ ' else 0 end') }} as {{ measure }},
        {% endfor %}
        {% for measure in ['cost_of_goods', 'contribution'] %}
            -- months whose sales have expired have no line, and are known by their money
            {%- set is_known = 'filled.is_change and (filled.order_lines > 0 or filled.' ~ measure ~ ' is not null)' %}
            {{ money('case when ' ~ is_known ~ ' then filled.' ~ measure ~ ' else 0 end') }} as {{ measure }},
        {% endfor %}
        {{ money('case when filled.is_change then filled.net_revenue_without_cost else 0 end') }}
            as net_revenue_without_cost,

        ---------- since the beginning
        cast(filled.cumulative_orders as bigint) as cumulative_orders,
        {{ money('filled.cumulative_net_revenue') }} as cumulative_net_revenue,
        {{ money('filled.cumulative_contribution') }} as cumulative_contribution,
        {{ days_from('filled.last_order_until_then_on', 'filled.measured_on') }} as days_since_last_order,
        case
            when filled.customer_id <> 0 then {{ days_from('filled.first_seen_on', 'filled.measured_on') }}
        end as tenure_days,

        ---------- the last twelve months
        cast(filled.orders_12m as bigint) as orders_12m,
        cast(filled.active_months_12m as bigint) as active_months_12m,
        {{ money('filled.net_revenue_12m') }} as net_revenue_12m,
        {{ money('case when filled.cumulative_contribution is not null then filled.contribution_12m end') }}
            as contribution_12m,
        case
            when filled.gross_revenue_12m > 0
                then cast(filled.discounts_12m as double) / cast(filled.gross_revenue_12m as double)
        end as discount_share_12m,
        cast(filled.categories as bigint) as categories_12m,
        cast(filled.categories_6m as bigint) as categories_6m,
        cast(filled.products as bigint) as products_12m,
        cast(filled.channels as bigint) as channels_12m,
        cast(filled.campaign_contacts as bigint) as campaign_contacts_12m,
        cast(filled.campaign_answers as bigint) as campaign_answers_12m,
        case
            when filled.satisfaction_answers > 0
                then cast(filled.satisfaction as double) / cast(1000 * filled.satisfaction_answers as double)
        end as satisfaction_12m,

        ---------- at the month's end
        cast(filled.contracts as bigint) as active_contracts,
        {{ money('cast(filled.recurring as decimal(22, 4)) * 0.0001') }} as monthly_recurring_amount,
        cast(filled.complaints as bigint) as open_complaints,

        ---------- forecast
        forecasts.p_alive,
        forecasts.expected_value,

        ---------- booleans; whoever has an order line or a contract by then has a state
        filled.customer_id <> 0 and customer_states.state is not null as is_customer,
        filled.customer_id <> 0 and filled.cumulative_orders > 0 as is_buyer,
        filled.customer_id <> 0 and customer_states.state is null as is_prospect,
        coalesce(customer_states.state not in ('lapsed', 'cancelled'), false) as is_current_customer,
        filled.withdrawn_consents > 0 as has_withdrawn_consent,
        filled.is_left_censored,
        filled.is_change and filled.is_assumed as is_assumed,
        filled.month_end = filled.measured_on as is_month_complete,
        filled.measured_on = context.as_of_on as is_as_of

    from filled
    cross join context
    left join customer_states
        on filled.customer_id = customer_states.customer_id and filled.measured_on = customer_states.measured_on
    left join forecasts
        on filled.customer_id = forecasts.customer_id and filled.measured_on = forecasts.month_end

)

select * from customer_months
