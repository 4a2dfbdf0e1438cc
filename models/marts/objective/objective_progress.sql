with

reached as (

    select * from {{ ref('int_objectives_followed') }}
    where row_type = 'month'

),

objectives as (

    select * from {{ ref('stg_objectives') }}

),

kpis as (

    select
        kpi,
        unit
    from {{ ref('stg_kpis') }}

),

objective_progress as (

    select
        ---------- ids
        reached.objective,
        reached.month,

        ---------- what it is
        objectives.area,
        objectives.kpi,
        coalesce(objectives.scope, 'company') as scope,
        coalesce(objectives.segment, 'company') as segment,
        kpis.unit,
        objectives.owner,
        coalesce(objectives.months, 1) as months,

        ---------- the plan
        reached.baseline,
        reached.target,
        reached.path,

        ---------- what came, and where it is heading
        reached.actual,
        reached.change,
        reached.forecast_at_due,
        reached.forecast_at_due_p10,
        reached.forecast_at_due_p90,
        reached.status,
        reached.no_value_reason,

        ---------- booleans
        reached.is_on_track,

        ---------- dates
        reached.started_month,
        reached.due_month,
        objectives.due_on

    from reached
    inner join objectives on reached.objective = objectives.objective
    left join kpis on objectives.kpi = kpis.kpi

)

select * from objective_progress
