{{ config(materialized="view") }}

with

context as (

    select * from {{ source('run', 'context') }}

),

known_batches as (

    select * from {{ ref('int_raw_batches_known') }}

),

cost_rates as (

    {{ latest_raw_version('cost_rates', is_state=true) }}

),

customers as (

    {{ latest_raw_version('customers', is_state=true) }}

),

acquisition_costs as (

    {{ latest_raw_version('acquisition_costs', is_state=true) }}

),

interactions as (

    {{ latest_raw_version('interactions') }}

),

rewards as (

    {{ latest_raw_version('rewards') }}

),

campaigns as (

    {{ latest_raw_version('campaigns') }}

),

contacts as (

    select
        source,
        channel,
        kind,
        {{ local_date('opened_at') }} as happened_on,
        case
            when coalesce({{ local_date('resolved_at') }} <= {{ as_of() }}, true) then coalesce(minutes, 0) else 0
        end as minutes,
        count(*) as contacts
    from interactions
    group by all

),

-- The most particular rate that was good on the day, the latest of them.
services as (

    select
        contacts.source,
        contacts.happened_on,
        contacts.contacts
        * {{ money("coalesce(rates.cost_per_contact, 0) + "
            ~ times("coalesce(rates.cost_per_minute, 0)", "contacts.minutes")) }}
            as cost
    from contacts
    inner join cost_rates as rates
        on
            coalesce(nullif(rates.kind, ''), contacts.kind) = contacts.kind
            and coalesce(nullif(rates.channel, ''), coalesce(contacts.channel, '')) = coalesce(contacts.channel, '')
            and contacts.happened_on >= rates.valid_from
    where contacts.happened_on <= {{ as_of() }}
    qualify
        row_number() over (
            partition by contacts.source, contacts.channel, contacts.kind, contacts.happened_on, contacts.minutes
            order by
                case when coalesce(rates.kind, '') <> '' then 2 else 0 end
                + case when coalesce(rates.channel, '') <> '' then 1 else 0 end desc nulls last,
                rates.valid_from desc nulls last
        ) = 1

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

-- What campaigns cost whose contacts are over stands among the totals of what expired.
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
        source,
        {{ month_of('happened_on') }} as month,
        'cost to serve' as component,
        -cost as amount
    from services
    union all
    select
        source,
        {{ month_of(local_date('rewarded_at')) }} as month,
        'rewards' as component,
        -value_amount as amount
    from rewards
    where kind in ('redeemed', 'gift') and {{ local_date('rewarded_at') }} <= {{ as_of() }}
    union all
    select
        customers.source,
        {{ month_of('context.as_of_on') }} as month,
        'acquisition' as component,
        -customers.acquisition_cost as amount
    from customers
    cross join context
    union all
    select
        'reference' as source,
        {{ month_of('month') }} as month,
        'acquisition' as component,
        -cost_amount as amount
    from acquisition_costs
    where {{ month_of('month') }} <= {{ as_of() }}
    union all
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
