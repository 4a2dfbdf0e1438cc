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

    select
        'candidate' as kind,
        *,
        share_without_order as churn_rate,
        top_decile_lift as lift,
        candidate = 'combined' as is_chosen
    from candidates
    union all by name
    select
        'decile' as kind,
        *,
        share_without_order as churn_rate,
        candidate = 'combined' as is_chosen
    from deciles
    union all by name
    select
        'reason' as kind,
        origin_on,
        horizon_months,
        candidate,
        customers,
        churn_rate,
        lift
    from reasons

),

retention_model_scores as (

    select
        ---------- ids
        kind,
        origin_on,
        cast(horizon_months as int) as horizon_months,
        candidate,
        cast(decile as int) as decile,

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
