with

context as (

    select * from {{ source('run', 'context') }}

),

cases as (

    select * from {{ ref('int_interactions_identified') }}
    where kind in ('request', 'complaint', 'incident', 'installation', 'maintenance', 'repair', 'warranty')

),

costs as (

    select
        interaction_id,
        case when is_priced then cost_amount end as cost_amount,
        is_assumed
    from {{ ref('int_contact_costs') }}

),

targets_that_fit as (

    select
        cases.interaction_id,
        targets.first_answer_hours,
        targets.resolution_hours,
        row_number() over (
            partition by cases.interaction_id order by targets.kind desc nulls last, targets.channel desc nulls last
        ) as sequence
    from cases
    inner join {{ ref('stg_service_targets') }} as targets
        on
            (cases.kind = targets.kind or targets.kind = '')
            and (cases.channel = targets.channel or targets.channel = '')

),

-- Of several targets that fit the narrowest counts: first by kind, then by channel.
targets as (

    select * from targets_that_fit
    where sequence = 1

),

timed as (

    select
        cases.*,
        cast({{ minutes_from('cases.opened_at', 'cases.first_answered_at') }} as double) / 60
            as hours_to_first_answer,
        cast({{ minutes_from('cases.opened_at', 'cases.resolved_at') }} as double) / 60 as hours_to_resolution,
        case when cases.resolved_on is null then {{ days_from('cases.opened_on', 'context.as_of_on') }} end as age_days
    from cases
    cross join context

),

service_cases as (

    select
        ---------- ids
        timed.interaction_id as case_id,
        timed.customer_id,
        timed.order_id,
        timed.product_id,

        ---------- the source's own keys
        timed.source,
        timed.interaction_key as case_key,

        ---------- what it was
        timed.kind,
        timed.channel,
        timed.agent,
        timed.status,
        timed.outcome,

        ---------- how long it took
        round(timed.hours_to_first_answer, 2) as hours_to_first_answer,
        round(timed.hours_to_resolution, 2) as hours_to_resolution,
        cast(targets.first_answer_hours as double) as first_answer_target_hours,
        cast(targets.resolution_hours as double) as resolution_target_hours,
        timed.age_days,
        coalesce(timed.reopened_count, 0) as reopened_count,

        ---------- numbers
        {{ money('costs.cost_amount') }} as cost_amount,
        timed.satisfaction,

        ---------- booleans
        timed.resolved_on is null as is_open,
        targets.interaction_id is not null as has_target,
        -- what nobody told of is answered when it is resolved, and late as soon as its hours are over
        targets.interaction_id is not null
        and coalesce(
            coalesce(timed.hours_to_first_answer, timed.hours_to_resolution, timed.age_days * 24)
            <= targets.first_answer_hours,
            true
        )
        and coalesce(
            coalesce(timed.hours_to_resolution, timed.age_days * 24) <= targets.resolution_hours, true
        ) as is_within_target,
        coalesce(costs.is_assumed, false) as is_cost_assumed,

        ---------- times
        timed.opened_at,
        timed.opened_on,
        timed.first_answered_at,
        timed.resolved_at,
        timed.resolved_on

    from timed
    left join costs on timed.interaction_id = costs.interaction_id
    left join targets on timed.interaction_id = targets.interaction_id

)

select * from service_cases
