with

context as (

    select * from {{ source('run', 'context') }}

),

customers as (

    select * from {{ ref('int_customers') }}

),

states as (

    select states.*
    from {{ ref('int_customer_states') }} as states
    inner join context on states.measured_on = context.as_of_on

),

forecasts as (

    select * from {{ ref('int_customer_forecasts') }}
    where is_as_of

),

outlook as (

    select * from {{ ref('int_retention_outlook') }}
    where row_type = 'customer'

),

months as (

    select
        customer_id,
        days_since_last_order,
        open_complaints,
        has_withdrawn_consent
    from {{ ref('int_customer_months') }}
    where is_as_of and customer_id <> 0

),

customer_retention as (

    select
        ---------- ids
        customers.customer_id,

        ---------- state
        case when customers.customer_id <> 0 then coalesce(states.state, 'prospect') end as state,
        states.cancelled_by,

        ---------- own rhythm, days
        states.purchase_days,
        states.days_since_last_activity,
        months.days_since_last_order,
        states.expected_days_between_orders,
        states.stddev_days_between_orders,
        states.recency_ratio,
        states.recency_zscore,
        states.lapses_after_days,

        ---------- will they come again
        forecasts.p_alive,
        forecasts.p_alive_model,
        forecasts.p_alive_reason,
        forecasts.p_no_order_3m,
        forecasts.p_no_order_6m,
        forecasts.p_no_order_12m,
        forecasts.p_order_within_30_days,
        forecasts.p_order_within_90_days,
        outlook.churn_probability,
        outlook.churn_model,
        cast(case when outlook.churn_probability is not null then outlook.horizon_months end as int)
            as churn_horizon_months,

        ---------- what is in doubt, company currency
        forecasts.expected_value_given_order,
        outlook.value_already_discounted,
        outlook.value_at_risk as expected_value_at_risk,

        ---------- why
        outlook.main_reason,
        outlook.reasons,

        ---------- booleans
        coalesce(outlook.rhythm_broken, false) as is_rhythm_broken,
        coalesce(months.open_complaints > 0, false) as is_complaint_open,
        coalesce(outlook.fewer_categories, false) as has_fewer_categories,
        coalesce(months.has_withdrawn_consent, false) as has_withdrawn_consent,

        ---------- dates
        cast(
            context.as_of_on + cast(ceil(forecasts.median_days_to_next_order) as int) * interval '1' day as date
        ) as median_next_order_on,
        states.lapsed_on,
        states.returned_on

    from customers
    cross join context
    left join states on customers.customer_id = states.customer_id
    left join forecasts on customers.customer_id = forecasts.customer_id
    left join outlook on customers.customer_id = outlook.customer_id
    left join months on customers.customer_id = months.customer_id

)

select * from customer_retention
