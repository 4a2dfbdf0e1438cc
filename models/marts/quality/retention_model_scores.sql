{%- set columns = {
    'kind': 'string',
    'origin_on': 'date',
    'horizon_months': 'int',
    'candidate': 'string',
    'decile': 'int',
    'customers': 'bigint',
    'churn_rate': 'double',
    'mean_probability': 'double',
    'brier': 'double',
    'auc': 'double',
    'lift': 'double',
    'is_inside_interval': 'boolean',
    'is_chosen': 'boolean',
} %}
{%- set unions = [
    {
        'rows': 'candidates',
        'own': [
            'origin_on', 'horizon_months', 'candidate', 'customers', 'mean_probability', 'brier', 'auc',
        ],
        'named': {
            'kind': "'candidate'",
            'churn_rate': "share_without_order",
            'lift': "top_decile_lift",
            'is_chosen': "candidate = 'combined'",
        },
    },
    {
        'rows': 'deciles',
        'own': [
            'origin_on', 'horizon_months', 'candidate', 'decile', 'customers', 'mean_probability', 'lift',
            'is_inside_interval',
        ],
        'named': {
            'kind': "'decile'",
            'churn_rate': "share_without_order",
            'is_chosen': "candidate = 'combined'",
        },
    },
    {
        'rows': 'reasons',
        'own': [
            'origin_on', 'horizon_months', 'candidate', 'customers', 'churn_rate', 'lift',
        ],
        'named': {
            'kind': "'reason'",
        },
    },
] %}
with

candidates as (

    select * from {{ left_by(ref('int_forecasts'), source('forecast', 'no_order_scores')) }}

),

deciles as (

    select * from {{ left_by(ref('int_forecasts'), source('forecast', 'no_order_deciles')) }}

),

reasons as (

    select * from {{ ref('int_retention_outlook') }}
    where row_type = 'reason'

),

scores as (

    {{ union_by_name(columns, unions) }}

),

retention_model_scores as (

    select
        ---------- ids
        kind,
        origin_on,
        horizon_months,
        candidate,
        decile,

        ---------- what was foretold and what came
        customers,
        churn_rate,
        mean_probability,

        ---------- how good that is
        brier,
        auc,
        lift,

        ---------- booleans
        is_inside_interval,
        is_chosen

    from scores

)

select * from retention_model_scores
