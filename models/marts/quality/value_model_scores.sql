{%- set columns = {
    'measured_on': 'date',
    'origin_on': 'date',
    'target': 'string',
    'kind': 'string',
    'candidate': 'string',
    'tenure': 'string',
    'model_used': 'string',
    'holdout_days': 'int',
    'customers': 'bigint',
    'actual_total': 'double',
    'expected_total': 'double',
    'error_in_total': 'double',
    'rmse': 'double',
    'mae': 'double',
    'spearman': 'double',
    'top_decile_share': 'double',
    'calibration_error': 'double',
    'mean_poisson_deviance': 'double',
    'mean_squared_error': 'double',
    'calibrated_coverage': 'double',
    'raw_coverage': 'double',
    'horizon_months': 'int',
    'origins': 'bigint',
    'level_correction': 'double',
    'level_error': 'double',
    'is_holdout_shorter': 'boolean',
    'is_chosen': 'boolean',
    'reason': 'string',
    'fallback_reason': 'string',
} %}
{%- set unions = [
    {
        'rows': left_by(ref('int_forecasts'), source('forecast', 'scores')),
        'own': [
            'measured_on', 'origin_on', 'target', 'candidate', 'model_used', 'holdout_days', 'customers',
            'actual_total', 'expected_total', 'error_in_total', 'rmse', 'mae', 'spearman', 'top_decile_share',
            'calibration_error', 'mean_poisson_deviance', 'mean_squared_error', 'is_chosen', 'reason',
            'fallback_reason',
        ],
        'named': {
            'kind': "'score'",
        },
    },
    {
        'rows': left_by(ref('int_forecasts'), source('forecast', 'intervals')),
        'own': [
            'measured_on', 'origin_on', 'horizon_months', 'target', 'customers', 'calibrated_coverage',
            'raw_coverage',
        ],
        'named': {
            'kind': "'interval'",
            'candidate': "level",
        },
    },
    {
        'rows': left_by(ref('int_forecasts'), source('forecast', 'calibrations')),
        'own': [
            'measured_on', 'target', 'candidate', 'tenure', 'holdout_days', 'customers', 'actual_total',
            'expected_total', 'error_in_total', 'mean_squared_error',
        ],
        'named': {
            'kind': "'calibration'",
            'is_chosen': "true",
        },
    },
    {
        'rows': left_by(ref('int_forecasts'), source('forecast', 'horizons')),
        'own': [
            'measured_on', 'horizon_months', 'holdout_days', 'origins', 'reason',
        ],
        'named': {
            'kind': "'horizon'",
            'target': "'orders'",
            'candidate': "order_model",
            'model_used': "formula",
            'level_correction': "level",
            'level_error': "level_error_of_orders",
            'is_holdout_shorter': "is_shorter",
            'origin_on': "last_origin_on",
            'is_chosen': "true",
        },
    },
] %}
with

scored as (

    {{ union_by_name(columns, unions) }}

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
        holdout_days,
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
        horizon_months,
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
