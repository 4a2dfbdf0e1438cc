{%- set segmentations = ['value_tier', 'engagement_tier', 'rfm_group'] -%}
{%- set costs = {
    'cost_to_serve': 'cost to serve', 'reward_cost': 'rewards', 'acquisition_cost': 'acquisition',
    'campaign_cost': 'campaigns',
} -%}
{#- The columns of value.customer_months that a KPI may name. -#}
{%- set columns = [
    'orders', 'gross_revenue', 'discounts', 'returns', 'net_revenue', 'cumulative_orders',
    'days_since_last_order', 'tenure_days', 'orders_12m', 'active_months_12m', 'net_revenue_12m', 'contribution_12m',
    'discount_share_12m', 'categories_12m', 'products_12m', 'channels_12m', 'campaign_contacts_12m',
    'campaign_answers_12m', 'satisfaction_12m', 'active_contracts', 'monthly_recurring_amount', 'open_complaints',
    'state', 'life_cycle_stage', 'p_alive', 'expected_value', 'engagement_score', 'is_customer', 'is_buyer',
    'is_prospect', 'is_current_customer', 'has_withdrawn_consent',
] -%}

{{ config(materialized="view") }}

with

-- Of the months that are made anew, and the one before, beside which they are seen.
months as (

    select * from {{ ref('int_customer_months_labelled') }}
    where {{ month_number('month') }} >= {{ first_touched_month() }} - 1

),

-- What the ledger holds of each customer and month; a cost that nothing is known of is null, not nothing.
known_costs as (

    select
        {% for name, component in costs.items() %}
            count(*) filter (where component = '{{ component }}' and rule <> 'missing' and source <> 'none') > 0
                as knows_{{ name }},
        {% endfor %}
        count(*) as entries
    from {{ ref('value_ledger') }}

),

ledger as (

    select
        customer_id,
        month,
        {% for name, component in costs.items() %}
            -coalesce(sum(amount) filter (where component = '{{ component }}'), 0) as {{ name }},
        {% endfor %}
        sum(amount) as amount
    from {{ ref('value_ledger') }}
    where {{ month_number('month') }} >= {{ first_touched_month() }} - 1
    group by customer_id, month

),

realised_before as (

    select
        customer_id,
        sum(amount) as amount
    from {{ ref('value_ledger') }}
    where {{ month_number('month') }} < {{ first_touched_month() }} - 1
    group by customer_id

),

-- The ledger may know a month of a customer that has no row of its own, as the cost of winning somebody not yet seen.
-- What is seen beside other rows, and no more: all columns of all months would be sorted with them.
joined as (

    select
        coalesce(months.customer_id, ledger.customer_id) as customer_id,
        coalesce(months.month, ledger.month) as month,
        {% for segmentation in segmentations %}
            months.{{ segmentation }},
        {% endfor %}
        months.is_customer,
        months.is_current_customer,
        months.expected_value,
        {% for name in costs %}
            case when known_costs.knows_{{ name }} then coalesce(ledger.{{ name }}, 0) end as {{ name }},
        {% endfor %}
        coalesce(ledger.amount, 0) as amount
    from months
    full outer join ledger on months.customer_id = ledger.customer_id and months.month = ledger.month
    cross join known_costs

),

permitted as (

    select distinct
        months.customer_id,
        months.month
    from months
    inner join {{ ref('int_permission_spells') }} as spells
        on
            months.customer_id = spells.customer_id
            and (spells.valid_from_on is null or months.measured_on >= spells.valid_from_on)
            and (spells.valid_until_on is null or months.measured_on < spells.valid_until_on)

),

-- Without a word of anybody and without a default nobody can be permitted: nothing is known, which is not a no.
asked as (

    select
        (select count(*) from {{ ref('int_consents_held') }}) > 0
        or (
            select count(*) from {{ ref('int_permission_terms') }}
            where is_granted_by_default
        ) > 0 as is_anybody_asked

),

-- The month before, what has been realised until now, and the place among the customers of the month.
ranked as (

    select
        *,
        {% for segmentation in segmentations %}
            lag({{ segmentation }}) over by_month as previous_{{ segmentation }},
        {% endfor %}
        coalesce(lag(is_current_customer) over by_month, false) as was_current_customer,
        coalesce(lag(is_customer) over by_month, false) as was_customer,
        sum(amount) over (
            partition by customer_id
            order by month asc nulls last
            rows between unbounded preceding and current row
        ) as realised_value,
        count(expected_value) over (partition by month) > 0 as is_month_forecast,
        rank() over (
            partition by month, is_current_customer order by expected_value desc nulls last
        ) as place,
        count(expected_value) over (partition by month, is_current_customer) as places
    from joined
    window by_month as (partition by customer_id order by month asc nulls last)

),

kpi_customer_months as (

    select
        ---------- ids
        ranked.month,
        ranked.customer_id,

        ---------- segments at the month's end and its start, and the channel that the customer was won by
        {% for segmentation in segmentations %}
            months.{{ segmentation }},
            ranked.previous_{{ segmentation }},
        {% endfor %}
        customers.acquisition_channel as channel,

        ---------- what value.customer_months says; who has no row there sold nothing
        {{ money('case when months.customer_id is null then 0 else months.contribution end') }} as contribution,
        {% for name in columns %}
            months.{{ name }},
        {% endfor %}

        ---------- beside the month before, and beside the other customers of the month
        ranked.was_current_customer,
        coalesce(months.is_customer and not ranked.was_customer and not months.is_left_censored, false)
            as is_new_customer,
        -- the dearest tenth of the customers of the month, and who is worth as much as the last of them
        coalesce(
            months.is_current_customer
            and months.expected_value is not null
            and ranked.place <= ceil(cast(ranked.places as double) / 10),
            false
        ) as is_in_top_tenth,
        case when asked.is_anybody_asked then permitted.customer_id is not null end as is_permitted,

        ---------- what the ledger says
        {% for name in costs %}
            {{ money('ranked.' ~ name) }} as {{ name }},
        {% endfor %}
        {{ money('ranked.realised_value + coalesce(realised_before.amount, 0)') }} as realised_value,
        case
            when months.is_customer and ranked.is_month_forecast
                then
                    cast(ranked.realised_value + coalesce(realised_before.amount, 0) as double)
                    + coalesce(months.expected_value, 0)
        end as vin

    from ranked
    cross join asked
    left join {{ ref('int_customer_months_labelled') }} as months
        on ranked.customer_id = months.customer_id and ranked.month = months.month
    left join {{ ref('int_customers') }} as customers on ranked.customer_id = customers.customer_id
    left join permitted on months.customer_id = permitted.customer_id and months.month = permitted.month
    left join realised_before on ranked.customer_id = realised_before.customer_id
    where {{ is_touched('ranked.month') }}

)

select * from kpi_customer_months
