with

latest as (

    select *
    from objective.objective_progress
    qualify row_number() over (
        partition by objective order by status = 'to come', case when status = 'to come' then month end, month desc
    ) = 1

),

movers as (

    select contributions.*
    from objective.objective_contributions as contributions
    where scope in ('value_tier', 'rfm_group') and segment not in ('none', 'stated baseline')
    qualify row_number() over (
        partition by objective, month order by abs(contribution) desc, scope, segment
    ) = 1

)

select
    latest.objective, latest.area, latest.kpi, latest.scope, latest.segment, latest.unit, latest.owner, latest.month,
    latest.due_month, latest.baseline, latest.target, latest.path, latest.actual, latest.change, latest.forecast_at_due,
    latest.forecast_at_due_p10, latest.forecast_at_due_p90, latest.status, latest.is_on_track, latest.no_value_reason,
    movers.segment as mover, movers.contribution as moved
from latest
left join movers on latest.objective = movers.objective and latest.month = movers.month
order by latest.is_on_track, latest.due_month, latest.objective
