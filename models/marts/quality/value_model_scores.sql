with

scored as (

    select
        'score' as kind,
        *
    from {{ left_by(ref('int_forecasts'), source('forecast', 'scores')) }}
    union all by name
    select
        'interval' as kind,
        *,
        level as candidate
    from {{ left_by(ref('int_forecasts'), source('forecast', 'intervals')) }}
    union all by name
    select
        'calibration' as kind,
        *,
        true as is_chosen
    from {{ left_by(ref('int_forecasts'), source('forecast', 'calibrations')) }}
    union all by name
    select
        'horizon' as kind,
        *,
        'orders' as target,
        order_model as candidate,
        formula as model_used,
        level as level_correction,
        level_error_of_orders as level_error,
        is_shorter as is_holdout_shorter,
        last_origin_on as origin_on,
        true as is_chosen
    from {{ left_by(ref('int_forecasts'), source('forecast', 'horizons')) }}

),

value_model_scores as (

    select
        ---------- ids
        measured_on,
        origin_on,
        target,
        kind,
        candidate,
        tenure,

        ---------- how it did
        model_used,
        cast(holdout_days as int) as holdout_days,
        customers,
        actual_total,
        expected_total,
        error_in_total,
        rmse,
        mae,
        spearman,
        top_decile_share,
        calibration_error,
        mean_poisson_deviance,
        mean_squared_error,
        calibrated_coverage,
        raw_coverage,

        ---------- what is used for a horizon
        cast(horizon_months as int) as horizon_months,
        origins,
        level_correction,
        level_error,
        is_holdout_shorter,

        ---------- the choice
        is_chosen,
        reason,
        fallback_reason

    from scored

)

select * from value_model_scores
