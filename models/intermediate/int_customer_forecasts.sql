{{ config(materialized="view") }}

with

forecasts as (

    select * from {{ left_by(ref('int_forecasts'), source('forecast', 'customers')) }}

),

customer_forecasts as (

    select
        ---------- ids
        customer_id,

        ---------- dates
        measured_on as month_end,
        is_as_of,

        ---------- are they still a customer
        p_alive,
        p_alive_model,
        p_alive_reason,

        ---------- do they order within so many months; at the as-of day alone
        p_no_order_3m,
        p_no_order_6m,
        p_no_order_12m,

        ---------- what they are expected to order within the horizon, and the chance that nothing comes
        p_no_order,
        expected_orders,
        expected_orders_p10,
        expected_orders_p50,
        expected_orders_p90,

        ---------- what they are expected to bring within the horizon, discounted, contracts included
        expected_value,
        expected_value_p10,
        expected_value_p50,
        expected_value_p90,
        expected_contract_value,
        expected_value_per_order,
        expected_value_given_order,
        decile,

        ---------- when they order next
        median_days_to_next_order,
        p_order_within_30_days,
        p_order_within_90_days,

        ---------- how
        horizon_months,
        order_model,
        spend_model,
        contract_model,
        fallback_reason,
        season,
        is_left_truncated

    from forecasts

)

select * from customer_forecasts
