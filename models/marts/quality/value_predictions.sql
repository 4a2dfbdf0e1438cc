with

context as (

    select * from {{ source('run', 'context') }}

),

settings as (

    select * from {{ source('run', 'value_settings') }}

),

-- What was frozen on a later day rests on data that were unloaded since.
frozen as (

    select * from {{ source('memory', 'value_predictions') }}
    where as_of_on <= {{ as_of() }}

),

segments as (

    select
        customer_id,
        rfm_group
    from {{ ref('customer_segments') }}

),

-- What this run freezes; it is remembered when the run is published. A run that is built again writes the same.
this_run as (

    select
        forecasts.measured_on as as_of_on,
        context.run_id,
        cast(null as bigint) as run_sequence,
        forecasts.horizon_months,
        forecasts.segmentation,
        forecasts.segment,
        forecasts.customer_id,
        forecasts.cohort,
        forecasts.decile,
        segments.rfm_group,
        coalesce(forecasts.customers, 1) as customers,
        forecasts.expected_orders,
        forecasts.expected_orders_p10,
        forecasts.expected_orders_p50,
        forecasts.expected_orders_p90,
        forecasts.expected_value,
        forecasts.expected_value_p10,
        forecasts.expected_value_p50,
        forecasts.expected_value_p90,
        forecasts.order_model,
        forecasts.spend_model,
        forecasts.contract_model,
        settings.annual_discount_rate
    from {{ left_by(ref('int_forecasts'), source('forecast', 'predictions')) }} as forecasts
    left join segments on forecasts.customer_id = segments.customer_id
    cross join context
    cross join settings
    where context.run_id not in (select frozen.run_id from frozen)

),

predictions as (

    select
        as_of_on,
        run_id,
        run_sequence,
        horizon_months,
        segmentation,
        segment,
        customer_id,
        cohort,
        decile,
        rfm_group,
        customers,
        expected_orders,
        expected_orders_p10,
        expected_orders_p50,
        expected_orders_p90,
        expected_value,
        expected_value_p10,
        expected_value_p50,
        expected_value_p90,
        order_model,
        spend_model,
        contract_model,
        annual_discount_rate
    from frozen
    union all
    select * from this_run

),

value_predictions as (

    select
        ---------- ids
        as_of_on,
        run_id,
        run_sequence,
        cast(horizon_months as int) as horizon_months,
        segmentation,
        segment,
        customer_id,

        ---------- what they were like then
        cohort,
        cast(decile as int) as decile,
        rfm_group,
        customers,

        ---------- what was expected
        expected_orders,
        expected_orders_p10,
        expected_orders_p50,
        expected_orders_p90,
        expected_value,
        expected_value_p10,
        expected_value_p50,
        expected_value_p90,

        ---------- how
        order_model,
        spend_model,
        contract_model,
        annual_discount_rate

    from predictions

)

select * from value_predictions
