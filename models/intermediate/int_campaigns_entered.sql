{{ config(materialized="view") }}

with

contacts as (

    select
        coalesce(crosswalk.customer_id, 0) as customer_id,
        contacts.campaign_id,
        {{ month_of('contacts.contacted_on') }} as month,
        row_number() over (
            partition by contacts.campaign_id order by contacts.campaign_contact_id asc nulls last
        ) as place,
        count(*) over (partition by contacts.campaign_id) as members
    from {{ ref('int_campaign_contacts_dated') }} as contacts
    left join {{ ref('int_customer_crosswalk') }} as crosswalk on contacts.customer_record_id = crosswalk.record_id
    where contacts.role = 'contacted'

),

-- Whose contacts are over has been entered for ever: their totals stand in the ledger.
closed as (

    select distinct campaign_id
    from {{ source('ledger', 'expired_amounts') }}
    where component = 'campaigns' and month <= {{ as_of() }}

),

-- A campaign that contacted nobody has one row too.
campaigns as (

    select
        coalesce(contacts.customer_id, 0) as customer_id,
        coalesce(contacts.month, {{ month_of('campaigns.started_on') }}) as month,
        campaigns.source,
        campaigns.campaign_id,
        campaigns.campaign_key,
        coalesce(campaigns.campaign_name, campaigns.campaign_key) as campaign,
        case when closed.campaign_id is null then campaigns.fixed_cost end as fixed_cost,
        campaigns.unit_cost,
        contacts.place,
        contacts.members,
        closed.campaign_id is not null as is_closed
    from {{ ref('int_campaigns_known') }} as campaigns
    left join contacts on campaigns.campaign_id = contacts.campaign_id
    left join closed on campaigns.campaign_id = closed.campaign_id

),

entries as (

    select
        customer_id,
        month,
        source,
        campaign_id,
        campaign_key,
        'campaigns' as component,
        campaign as activity,
        'unit cost' as rule,
        false as is_assumed,
        1 as entries,
        -unit_cost as amount
    from campaigns
    where unit_cost is not null and members is not null
    union all
    select
        customer_id,
        month,
        source,
        campaign_id,
        campaign_key,
        'campaigns' as component,
        campaign as activity,
        case
            when members is null then 'nobody contacted to spread it over' else 'fixed cost spread over those contacted'
        end
            as rule,
        false as is_assumed,
        1 as entries,
        case when members is null then -fixed_cost else -({{ even_share('fixed_cost', 'place', 'members') }}) end
            as amount
    from campaigns
    where fixed_cost is not null
    union all
    select
        0 as customer_id,
        month,
        source,
        campaign_id,
        campaign_key,
        'campaigns' as component,
        campaign as activity,
        'missing' as rule,
        false as is_assumed,
        1 as entries,
        0 as amount
    from campaigns
    where fixed_cost is null and unit_cost is null and members is not null and not is_closed

)

select * from entries
