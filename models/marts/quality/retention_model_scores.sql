with

outlook as (

    select * from {{ ref('int_retention_outlook') }}

),

retention_model_scores as (

    select
        ---------- ids
        row_type as kind,
        origin_on,
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
        chosen_because,

        ---------- booleans
        is_inside_interval,
        is_chosen

    from outlook
    where row_type <> 'customer'

)

select * from retention_model_scores
