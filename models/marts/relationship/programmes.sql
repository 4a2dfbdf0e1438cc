with

context as (

    select * from {{ source('run', 'context') }}

),

refused as (

    select
        programme,
        max(refused_because) as refused_because
    from {{ ref('int_programme_eligibility') }}
    group by programme

),

latest as (

    select
        programme,
        count(*) filter (where is_member) as members
    from {{ ref('int_programme_customers') }}
    where month = {{ month_of(as_of()) }}
    group by programme

),

programmes as (

    select
        ---------- ids
        programmes.programme,

        ---------- what it is
        programmes.approach,
        programmes.description,
        programmes.segment,
        programmes.rule as access_rule,
        programmes.campaign_key,
        programmes.customer_gain,
        programmes.stage,
        refused.refused_because,

        ---------- numbers
        coalesce(latest.members, 0) as members,
        {{ money('programmes.monthly_cost') }} as monthly_cost,
        cast(programmes.hours_saved as double) as hours_saved_per_member,

        ---------- booleans
        coalesce(programmes.started_on <= context.as_of_on, false)
        and coalesce(programmes.ended_on >= context.as_of_on, true) as is_running,

        ---------- dates
        programmes.started_on,
        programmes.ended_on

    from {{ ref('stg_programmes') }} as programmes
    cross join context
    left join refused on programmes.programme = refused.programme
    left join latest on programmes.programme = latest.programme

)

select * from programmes
