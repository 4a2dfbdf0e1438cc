{{ config(materialized="view") }}

with

context as (

    select * from {{ source('run', 'context') }}

),

predictions as (

    select * from {{ source('memory', 'value_predictions') }}

),

scored_before as (

    select * from {{ source('memory', 'value_backtest') }}

),

frozen as (

    select distinct
        as_of_on,
        run_id,
        run_sequence,
        horizon_months,
        annual_discount_rate,
        cast(as_of_on + interval '1' month * horizon_months as date) as ends_on
    from predictions

),

-- Of horizons that are over by today, what would have been predicted on the day; made anew by each run, never frozen.
predicted_since as (

    select
        past_predictions.*,
        settings.annual_discount_rate,
        cast(
            past_predictions.measured_on + interval '1' month * past_predictions.horizon_months as date
        ) as ends_on
    from {{ left_by(ref('int_forecasts'), source('forecast', 'past_predictions')) }} as past_predictions
    cross join {{ source('run', 'value_settings') }} as settings

),

-- Horizons that have passed, and have not been scored yet.
due as (

    select frozen.*
    from frozen
    inner join context on frozen.ends_on <= context.as_of_on
    left join scored_before
        on
            frozen.as_of_on = scored_before.as_of_on
            and frozen.run_id = scored_before.predicted_by
            and frozen.horizon_months = scored_before.horizon_months
    where scored_before.as_of_on is null

),

predictions_due as (

    select
        ---------- ids
        predictions.as_of_on,
        predictions.run_id,
        predictions.run_sequence,
        predictions.horizon_months,
        predictions.segmentation,
        predictions.segment,
        predictions.customer_id,

        ---------- what they were like then
        predictions.cohort,
        predictions.decile,
        predictions.rfm_group,

        ---------- what was expected
        predictions.expected_orders,
        predictions.expected_orders_p10,
        predictions.expected_orders_p90,
        predictions.expected_value,
        predictions.expected_value_p10,
        predictions.expected_value_p90,

        ---------- how
        predictions.order_model,
        predictions.annual_discount_rate,

        ---------- dates
        due.ends_on,

        ---------- booleans
        true as is_frozen

    from predictions
    inner join due
        on
            predictions.as_of_on = due.as_of_on
            and predictions.run_id = due.run_id
            and predictions.horizon_months = due.horizon_months
    union all
    select
        ---------- ids
        predicted_since.measured_on as as_of_on,
        'rolling origin' as run_id,
        cast(null as bigint) as run_sequence,
        predicted_since.horizon_months,
        'customer' as segmentation,
        cast(null as string) as segment,
        predicted_since.customer_id,

        ---------- what they were like then
        predicted_since.cohort,
        predicted_since.decile,
        cast(null as string) as rfm_group,

        ---------- what was expected
        predicted_since.expected_orders,
        cast(null as double) as expected_orders_p10,
        cast(null as double) as expected_orders_p90,
        predicted_since.expected_value,
        cast(null as double) as expected_value_p10,
        cast(null as double) as expected_value_p90,

        ---------- how
        predicted_since.order_model,
        predicted_since.annual_discount_rate,

        ---------- dates
        predicted_since.ends_on,

        ---------- booleans
        false as is_frozen

    from predicted_since

)

select * from predictions_due
