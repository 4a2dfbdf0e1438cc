{#- Days after a complaint on which it counts as resolved within its target or later, and days watched from then on. -#}
{%- set landmark_days, watched_days = 30, 180 -%}

with

context as (

    select * from {{ source('run', 'context') }}

),

targets as (

    select * from {{ ref('stg_service_targets') }}
    where resolution_hours is not null

),

complaints_numbered as (

    select
        cases.customer_id,
        cases.interaction_id,
        cases.opened_on,
        {{ days_after('cases.opened_on', landmark_days) }} as landmark_on,
        coalesce(
            cast({{ minutes_from('cases.opened_at', 'cases.resolved_at') }} as double) / 60
            <= targets.resolution_hours
            and cases.resolved_on <= {{ days_after('cases.opened_on', landmark_days) }},
            false
        ) as is_within_target,
        row_number() over (
            partition by cases.customer_id
            order by
                cases.opened_at asc nulls last,
                cases.interaction_id asc nulls last,
                targets.kind desc nulls last,
                targets.channel desc nulls last
        ) as sequence
    from {{ ref('int_interactions_identified') }} as cases
    cross join context
    inner join targets
        on
            (cases.kind = targets.kind or targets.kind = '')
            and (cases.channel = targets.channel or targets.channel = '')
    where
        cases.kind = 'complaint'
        and cases.customer_id <> 0
        and {{ days_from('cases.opened_on', 'context.as_of_on') }} >= {{ landmark_days + watched_days }}

),

-- The first complaint of each customer that a target was set for and that could be watched for long enough.
complaints as (

    select * from complaints_numbered
    where sequence = 1

),

-- Whoever had bought nothing in the year before is not there to be kept.
bought as (

    select
        complaints.customer_id,
        count(*) filter (
            where
            order_days.ordered_on < complaints.opened_on
            and {{ days_from('order_days.ordered_on', 'complaints.opened_on') }} <= 365
        ) as orders_before,
        count(*) filter (
            where
            order_days.ordered_on > complaints.landmark_on
            and {{ days_from('complaints.landmark_on', 'order_days.ordered_on') }} <= {{ watched_days }}
        ) as orders_after
    from complaints
    inner join {{ ref('int_order_days') }} as order_days on complaints.customer_id = order_days.customer_id
    where order_days.sale_line_count > 0
    group by complaints.customer_id

),

followed as (

    select
        complaints.customer_id,
        complaints.interaction_id,
        complaints.opened_on,
        complaints.landmark_on,
        complaints.is_within_target,
        bought.orders_before,
        case
            when bought.orders_before < 2 then '1'
            when bought.orders_before < 4 then '2-3'
            when bought.orders_before < 8 then '4-7'
            else '8+'
        end as orders_before_group,
        bought.orders_after > 0 as is_retained
    from complaints
    inner join bought on complaints.customer_id = bought.customer_id
    where bought.orders_before > 0

)

select * from followed
