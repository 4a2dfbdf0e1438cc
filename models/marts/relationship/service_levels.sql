with

cases as (

    select
        *,
        coalesce(channel, '') as case_channel,
        {{ month_of('opened_on') }} as month
    from {{ ref('service_cases') }}

),

summed as (

    select
        kind,
        case_channel as channel,
        month,
        count(*) as cases,
        count(*) filter (where is_open) as open_cases,
        count(*) filter (where has_target) as cases_with_target,
        count(*) filter (where has_target and is_within_target) as cases_within_target,
        count(*) filter (where reopened_count > 0) as reopened_cases,
        count(satisfaction) as answers,
        {{ quantiles('hours_to_first_answer', [0.5, 0.9]) }} as answer_hours,
        {{ quantiles('hours_to_resolution', [0.5, 0.9]) }} as resolution_hours,
        cast(avg(satisfaction) as double) as satisfaction,
        sum(cost_amount) as cost_amount
    from cases
    group by kind, case_channel, month

),

service_levels as (

    select
        ---------- ids
        kind,
        channel,
        month,

        ---------- counts
        cases,
        open_cases,
        cases_with_target,
        cases_within_target,
        reopened_cases,
        answers,

        ---------- how long it took
        {{ nth('answer_hours', 1) }} as hours_to_first_answer_p50,
        {{ nth('answer_hours', 2) }} as hours_to_first_answer_p90,
        {{ nth('resolution_hours', 1) }} as hours_to_resolution_p50,
        {{ nth('resolution_hours', 2) }} as hours_to_resolution_p90,

        ---------- shares, and what customers said
        cast(cases_within_target as double) / nullif(cases_with_target, 0) as within_target_share,
        cast(reopened_cases as double) / cases as reopened_share,
        round(satisfaction, 2) as satisfaction,

        ---------- amounts, company currency
        {{ money('cost_amount') }} as cost_amount

    from summed

)

select * from service_levels
