with

forecasts as (

    select * from {{ ref('int_forecasts') }}

),

value_model_scores as (

    select
        ---------- ids
        measured_on,
        origin_on,
        target,
        row_type as kind,
        coalesce(candidate, segmentation) as candidate,
        case when row_type = 'calibration' then segment end as tenure,

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
        value as interval_inflation,
        inflated_coverage,

        ---------- the choice
        is_chosen,
        reason,
        fallback_reason

    from forecasts
    where row_type in ('score', 'interval', 'calibration')

)

select * from value_model_scores
