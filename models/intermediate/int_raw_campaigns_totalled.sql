{{ config(materialized="view") }}

with

context as (

    select * from {{ source('run', 'context') }}

),

known_batches as (

    select * from {{ ref('int_raw_batches_known') }}

),

campaigns as (

    {{ latest_raw_version('campaigns') }}

),

campaign_sizes as (

    select
        contacts.campaign_record_id,
        count(*) as contacts
    from ({{ latest_raw_version('campaign_contacts') }}) as contacts
    inner join campaigns on contacts.campaign_record_id = campaigns.record_id
    where
        coalesce(contacts.role, 'contacted') = 'contacted'
        and coalesce({{ local_date('contacts.contacted_at') }}, campaigns.started_on) <= {{ as_of() }}
    group by contacts.campaign_record_id

),

-- Audiences that were handed out, and how many were to be contacted.
written_out as (

    select
        prepared.campaign_key,
        prepared.fixed_cost,
        prepared.unit_cost,
        count(members.record_id) as contacts
    from {{ source('memory', 'audience_writes') }} as prepared
    inner join {{ source('memory', 'audience_writes') }} as written
        on prepared.run_id = written.run_id and written.event = 'written'
    left join {{ source('memory', 'audience_members') }} as members
        on prepared.run_id = members.run_id and members.arm = 'chosen'
    where prepared.event = 'prepared' and {{ local_date('prepared.occurred_at') }} <= {{ as_of() }}
    group by prepared.campaign_key, prepared.fixed_cost, prepared.unit_cost

),

-- Of several sources that deliver a campaign of that key one is the audience's.
first_of_keys as (

    select
        record_key,
        min(record_id) as record_id
    from campaigns
    where started_on <= {{ as_of() }}
    group by record_key

),

-- Whose contacts are over: what they cost is among the totals of what expired.
closed as (

    select distinct
        campaign_id,
        source,
        campaign_key
    from {{ source('ledger', 'expired_amounts') }}
    where component = 'campaigns' and month <= {{ as_of() }}

),

totals as (

    select
        campaigns.source,
        {{ month_of('context.as_of_on') }} as month,
        'campaigns' as component,
        case
            when campaigns.record_id in (select closed.campaign_id from closed) then 0
            else -coalesce(campaigns.fixed_cost, 0)
        end
        - coalesce(campaigns.unit_cost, 0) * coalesce(campaign_sizes.contacts, written_out.contacts, 0) as amount
    from campaigns
    left join campaign_sizes on campaigns.record_id = campaign_sizes.campaign_record_id
    left join first_of_keys on campaigns.record_id = first_of_keys.record_id
    left join written_out on first_of_keys.record_key = written_out.campaign_key
    cross join context
    where campaigns.started_on <= context.as_of_on
    union all
    select
        'clientela' as source,
        {{ month_of('context.as_of_on') }} as month,
        'campaigns' as component,
        case when closed.campaign_key is null then -coalesce(written_out.fixed_cost, 0) else 0 end
        - coalesce(written_out.unit_cost, 0) * written_out.contacts as amount
    from written_out
    left join closed on written_out.campaign_key = closed.campaign_key and closed.source = 'clientela'
    cross join context
    where written_out.campaign_key not in (select first_of_keys.record_key from first_of_keys)

)

select * from totals
