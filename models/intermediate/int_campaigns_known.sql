{{ config(materialized="view") }}

with

delivered as (

    select
        campaign_id,
        source,
        campaign_key,
        campaign_name,
        kind,
        approach,
        channel,
        goal,
        budget_amount,
        fixed_cost,
        unit_cost,
        started_on,
        ended_on
    from {{ ref('stg_campaigns') }}

),

-- An audience that was written out is a campaign of its own, until a source delivers one of its key.
written_out as (

    select
        {{ surrogate_key(["'clientela'", 'prepared.campaign_key']) }} as campaign_id,
        'clientela' as source,
        prepared.campaign_key,
        prepared.audience as campaign_name,
        'audience' as kind,
        prepared.approach,
        prepared.channel,
        cast(null as string) as goal,
        cast(null as decimal(18, 4)) as budget_amount,
        prepared.fixed_cost,
        prepared.unit_cost,
        {{ local_date('prepared.occurred_at') }} as started_on,
        cast(null as date) as ended_on
    from {{ source('memory', 'audience_writes') }} as prepared
    inner join {{ source('memory', 'audience_writes') }} as written
        on prepared.run_id = written.run_id and written.event = 'written'
    where
        prepared.event = 'prepared'
        and {{ local_date('prepared.occurred_at') }} <= {{ as_of() }}
        and prepared.campaign_key not in (select delivered.campaign_key from delivered)

),

campaigns_known as (

    select * from delivered
    union all
    select * from written_out

)

select * from campaigns_known
