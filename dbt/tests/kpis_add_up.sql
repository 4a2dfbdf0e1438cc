-- Over the parts of each scope numerators and denominators sum to the company's, and a ratio is what its parts make.
with

kpis as (

    select * from {{ ref('kpi_monthly') }}

),

scopes as (

    select
        kpi,
        month,
        scope,
        sum(numerator) as numerator,
        sum(denominator) as denominator
    from kpis
    where scope <> 'company'
    group by kpi, month, scope

),

not_adding_up as (

    select kpis.kpi || ' by ' || scopes.scope || ' in ' || cast(kpis.month as string) as finding
    from kpis
    inner join scopes on kpis.kpi = scopes.kpi and kpis.month = scopes.month
    where
        kpis.scope = 'company'
        and (
            kpis.numerator is null
            or abs(scopes.numerator - kpis.numerator) > 0.0001 + 1e-9 * abs(kpis.numerator)
            or abs(coalesce(scopes.denominator - kpis.denominator, 0))
            > 0.0001 + 1e-9 * abs(coalesce(kpis.denominator, 0))
        )

),

not_of_their_parts as (

    select kpi || ' of ' || segment || ' in ' || cast(month as string) as finding
    from kpis
    where
        value is not null
        and abs(value - case when denominator is null then numerator else cast(numerator as double) / denominator end)
        > 1e-9 * (1 + abs(value))

),

moves as (

    select
        objective,
        month,
        scope,
        sum(change) as change
    from {{ ref('objective_contributions') }}
    group by objective, month, scope

),

-- A change is what its segments contributed.
not_explained as (

    select progress.objective || ' by ' || moves.scope || ' in ' || cast(progress.month as string) as finding
    from {{ ref('objective_progress') }} as progress
    inner join moves on progress.objective = moves.objective and progress.month = moves.month
    where
        progress.change is null
        or abs(progress.change - moves.change) > 1e-6 * (1 + abs(progress.actual) + abs(progress.baseline))

)

select finding from not_adding_up
union all
select finding from not_of_their_parts
union all
select finding from not_explained
