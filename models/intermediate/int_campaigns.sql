{{ config(materialized="view") }}

with

members as (

    select
        campaign_id,
        count(*) as chosen,
        count(*) filter (where role = 'contacted') as contacted,
        count(*) filter (where role = 'held_out') as held_out,
        count(*) filter (where is_in_both_arms) as in_both_arms
    from {{ ref('int_campaign_members') }}
    where customer_id <> 0
    group by campaign_id

),

-- What each contact costs is paid for each record that was contacted.
contacts as (

    select
        campaign_id,
        count(*) as contacts
    from {{ ref('int_campaign_contacts_dated') }}
    where role = 'contacted'
    group by campaign_id

),

-- What the contacts cost whose time is over.
expired as (

    select
        campaign_id,
        -sum(amount) as cost_amount
    from {{ source('ledger', 'expired_amounts') }}
    where component = 'campaigns' and month <= {{ as_of() }}
    group by campaign_id

),

-- A campaign that contacts name and nobody delivered has its key alone.
campaigns as (

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
        ended_on,
        true as is_known
    from {{ ref('int_campaigns_known') }}
    union all
    select
        contacts.campaign_id,
        min(contacts.source) as source,
        min(contacts.campaign_name) as campaign_key,
        cast(null as string) as campaign_name,
        cast(null as string) as kind,
        cast(null as string) as approach,
        cast(null as string) as channel,
        cast(null as string) as goal,
        cast(null as decimal(18, 4)) as budget_amount,
        cast(null as decimal(18, 4)) as fixed_cost,
        cast(null as decimal(18, 4)) as unit_cost,
        min(contacts.contacted_on) as started_on,
        cast(null as date) as ended_on,
        false as is_known
    from {{ ref('int_campaign_contacts_dated') }} as contacts
    where contacts.campaign_id not in (select delivered.campaign_id from {{ ref('int_campaigns_known') }} as delivered)
    group by contacts.campaign_id

),

described as (

    select
        campaigns.*,
        coalesce(members.chosen, 0) as chosen,
        coalesce(members.contacted, 0) as contacted,
        coalesce(members.held_out, 0) as held_out,
        coalesce(members.in_both_arms, 0) as in_both_arms,
        coalesce(contacts.contacts, 0) as contacts,
        case
            when campaigns.fixed_cost is null and campaigns.unit_cost is null then null
            else
                coalesce(expired.cost_amount, campaigns.fixed_cost, 0)
                + coalesce({{ times('campaigns.unit_cost', 'coalesce(contacts.contacts, 0)') }}, 0)
        end as cost_amount
    from campaigns
    left join members on campaigns.campaign_id = members.campaign_id
    left join contacts on campaigns.campaign_id = contacts.campaign_id
    left join expired on campaigns.campaign_id = expired.campaign_id

)

select * from described
