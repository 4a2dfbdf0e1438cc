with

latest as (

    select *
    from objective.objective_progress
    qualify row_number() over (
        partition by objective order by status = 'to come', case when status = 'to come' then month end, month desc
    ) = 1

),

-- the segment that moved it furthest from its target
holders_back as (

    select contributions.*
    from objective.objective_contributions as contributions
    inner join latest on contributions.objective = latest.objective and contributions.month = latest.month
    where
        contributions.scope in ('value_tier', 'rfm_group')
        and contributions.segment not in ('none', 'stated baseline')
        and contributions.change * sign(latest.target - latest.baseline) < 0
    qualify row_number() over (
        partition by contributions.objective
        order by abs(contributions.change) desc, contributions.scope, contributions.segment
    ) = 1

)

select
    latest.objective, latest.area, latest.kpi, latest.scope, latest.segment, latest.unit, latest.owner, latest.month,
    latest.due_month, latest.baseline, latest.target, latest.path, latest.actual, latest.change, latest.forecast_at_due,
    latest.forecast_at_due_p10, latest.forecast_at_due_p90, latest.status, latest.is_on_track, latest.no_value_reason,
    holders_back.segment as held_back_by, holders_back.change as held_back
from latest
left join holders_back on latest.objective = holders_back.objective
order by latest.is_on_track, latest.due_month, latest.objective
