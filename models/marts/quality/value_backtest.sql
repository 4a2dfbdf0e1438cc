with

context as (

    select * from {{ source('run', 'context') }}

),

scores as (

    select * from {{ ref('int_predictions_scored') }}

),

predictions as (

    select * from {{ ref('int_predictions_come_due') }}

),

scored_before as (

    select * from {{ source('memory', 'value_backtest') }}

),

-- A group's interval holds for the customers it was stated of: it is left out where a split took some away.
scored_now as (

    select
        scores.as_of_on,
        scores.run_id as predicted_by,
        scores.horizon_months,
        scores.segmentation,
        scores.segment,
        scores.is_frozen,
        scores.order_model,
        -- what is made anew by each run is no run's for ever
        case when scores.is_frozen then context.run_id end as run_id,
        cast(null as bigint) as run_sequence,
        context.as_of_on as scored_on,
        scores.customers,
        scores.customers_merged,
        scores.customers_split,
        scores.expected_orders,
        scores.actual_orders,
        scores.expected_value,
        scores.actual_value,
        case when scores.customers_split = 0 then groups_then.expected_orders_p10 end as expected_orders_p10,
        case when scores.customers_split = 0 then groups_then.expected_orders_p90 end as expected_orders_p90,
        case when scores.customers_split = 0 then groups_then.expected_value_p10 end
            as expected_value_p10,
        case when scores.customers_split = 0 then groups_then.expected_value_p90 end
            as expected_value_p90,
        scores.orders_inside_customers,
        scores.rmse_orders
    from scores
    cross join context
    left join predictions as groups_then
        on
            scores.as_of_on = groups_then.as_of_on
            and scores.run_id = groups_then.run_id
            and scores.horizon_months = groups_then.horizon_months
            and scores.segmentation = groups_then.segmentation
            and scores.segment = groups_then.segment

),

together as (

    select
        as_of_on,
        predicted_by,
        horizon_months,
        segmentation,
        segment,
        true as is_frozen,
        order_model,
        run_id,
        run_sequence,
        scored_on,
        customers,
        customers_merged,
        customers_split,
        expected_orders,
        actual_orders,
        expected_value,
        actual_value,
        expected_orders_p10,
        expected_orders_p90,
        expected_value_p10,
        expected_value_p90,
        orders_inside_customers,
        rmse_orders
    from scored_before
    -- of a horizon that the data do not reach any more nothing is known
    where cast(as_of_on + interval '1' month * horizon_months as date) <= {{ as_of() }}
    union all
    select * from scored_now

),

value_backtest as (

    select
        ---------- ids
        as_of_on,
        predicted_by,
        cast(horizon_months as int) as horizon_months,
        segmentation,
        segment,

        ---------- booleans
        is_frozen,

        ---------- who and when
        order_model,
        run_id,
        run_sequence,
        scored_on,
        cast(customers as bigint) as customers,
        cast(customers_merged as bigint) as customers_merged,
        cast(customers_split as bigint) as customers_split,

        ---------- predicted against actual
        expected_orders,
        cast(actual_orders as bigint) as actual_orders,
        expected_value,
        actual_value,
        expected_orders_p10,
        expected_orders_p90,
        expected_value_p10,
        expected_value_p90,
        cast(orders_inside_customers as bigint) as orders_inside_customers,
        rmse_orders

    from together

)

select * from value_backtest
