with

context as (

    select * from {{ source('run', 'context') }}

),

remembered as (

    select * from {{ source('memory', 'changed_months') }}

),

-- Closed months alone: that the month under way has other figures each night is no news.
closed_months as (

    select distinct
        month,
        {{ month_number('month') }} as month_number
    from {{ ref('int_calendar') }}
    where month_end < {{ as_of() }}

),

reasons as (

    select
        reason,
        min(month_number) as month_number
    from {{ ref('int_touched_months') }}
    group by reason

),

months_of_reasons as (

    select
        reasons.reason,
        min(closed_months.month) as first_month,
        count(*) as closed_months
    from reasons
    inner join closed_months on reasons.month_number <= closed_months.month_number
    group by reasons.reason

),

customers_of_reasons as (

    select
        touched.fact,
        count(distinct touched.customer_id) as customers
    from {{ ref('int_touched_customers') }} as touched
    where touched.month_number < {{ month_number(as_of()) }}
    group by touched.fact

),

all_changes as (

    select
        run_id,
        made_at,
        reason,
        first_month,
        closed_months,
        customers
    from remembered
    union all
    select
        context.run_id,
        context.started_at as made_at,
        months_of_reasons.reason,
        months_of_reasons.first_month,
        months_of_reasons.closed_months,
        customers_of_reasons.customers
    from months_of_reasons
    cross join context
    left join customers_of_reasons on months_of_reasons.reason = customers_of_reasons.fact
    where context.run_id not in (select remembered.run_id from remembered)

),

changed_months as (

    select
        ---------- ids
        run_id,

        ---------- when and why
        made_at,
        reason,
        first_month,

        ---------- how much
        closed_months,
        customers

    from all_changes

)

select * from changed_months
