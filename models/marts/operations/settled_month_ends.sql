with

context as (

    select * from {{ source('run', 'context') }}

),

remembered as (

    select * from {{ source('memory', 'settled_month_ends') }}
    where month_end < {{ as_of() }}

),

-- What this run settles; it is remembered when the run is published.
settled as (

    select
        month_end,
        run_id,
        made_at,
        cause as refit_cause,
        reason,
        changed_share,
        replaced_run_id
    from remembered
    union all
    select
        settling.month_end,
        settling.run_id,
        context.started_at as made_at,
        settling.cause as refit_cause,
        settling.reason,
        settling.changed_share,
        settling.replaced_run_id
    from {{ left_by(ref('int_forecasts'), source('forecast', 'settled_month_ends')) }} as settling
    inner join context on settling.run_id = context.run_id
    where settling.run_id not in (select remembered.run_id from remembered)

),

settled_month_ends as (

    select
        ---------- ids
        month_end,
        run_id,

        ---------- when and why
        made_at,
        refit_cause,
        reason,
        changed_share,
        replaced_run_id,
        row_number() over (partition by month_end order by made_at desc nulls last) = 1 as is_used

    from settled

)

select * from settled_month_ends
