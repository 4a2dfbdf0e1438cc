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
        origin_on,
        horizon_months,
        candidate,
        cast(null as bigint) as decile,
        customers,
        share_without_order as churn_rate,
        mean_probability,
        brier,
        auc,
        top_decile_lift as lift,
        cast(null as boolean) as is_inside_interval,
        candidate = 'combined' as is_chosen
    from candidates
    union all
    select
        'decile' as kind,
        origin_on,
        horizon_months,
        candidate,
        decile,
        customers,
        share_without_order as churn_rate,
        mean_probability,
        cast(null as double) as brier,
        cast(null as double) as auc,
        lift,
        is_inside_interval,
        candidate = 'combined' as is_chosen
    from deciles
    union all
    select
        'reason' as kind,
        origin_on,
        horizon_months,
        candidate,
        cast(null as bigint) as decile,
        customers,
        churn_rate,
        cast(null as double) as mean_probability,
        cast(null as double) as brier,
        cast(null as double) as auc,
        lift,
        cast(null as boolean) as is_inside_interval,
        cast(null as boolean) as is_chosen
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
