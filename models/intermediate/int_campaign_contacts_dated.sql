{{ config(materialized="view") }}

with

contacts as (

    select * from {{ ref('stg_campaign_contacts') }}

),

campaigns as (

    select * from {{ ref('int_campaigns_known') }}

),

-- A contact that was delivered without a day happened, as far as is known, when its campaign began.
dated as (

    select
        contacts.campaign_contact_id,
        contacts.customer_record_id,
        contacts.campaign_id,
        contacts.source,
        contacts.campaign_contact_key,
        contacts.campaign_key,
        contacts.role,
        coalesce(contacts.channel, campaigns.channel) as channel,
        coalesce(campaigns.campaign_name, contacts.campaign_key) as campaign_name,
        contacts.is_date_assumed or contacts.contacted_on is null as is_date_assumed,
        contacts.contacted_at,
        coalesce(contacts.contacted_on, campaigns.started_on) as contacted_on
    from contacts
    left join campaigns on contacts.campaign_id = campaigns.campaign_id

),

campaigns_of_keys as (

    select
        campaigns.campaign_key,
        min(campaigns.campaign_id) as campaign_id,
        count(dated.campaign_contact_id) > 0 as has_contacts
    from campaigns
    left join dated on campaigns.campaign_id = dated.campaign_id and dated.role = 'contacted'
    group by campaigns.campaign_key

),

-- Who was written out was contacted then, unless a source tells of the campaign's contacts: it knows who really was.
written_out as (

    select
        {{ surrogate_key(["'clientela'", 'members.campaign_key', 'members.record_id']) }} as campaign_contact_id,
        members.record_id as customer_record_id,
        campaigns_of_keys.campaign_id,
        'clientela' as source,
        concat(members.campaign_key, '/', cast(members.customer_id as string)) as campaign_contact_key,
        members.campaign_key,
        case
            when members.arm = 'held_out' then 'held_out'
            when campaigns_of_keys.has_contacts then 'chosen'
            else 'contacted'
        end as role,
        prepared.channel,
        prepared.audience as campaign_name,
        false as is_date_assumed,
        prepared.occurred_at as contacted_at,
        {{ local_date('prepared.occurred_at') }} as contacted_on
    from {{ source('memory', 'audience_members') }} as members
    inner join {{ source('memory', 'audience_writes') }} as prepared
        on members.run_id = prepared.run_id and prepared.event = 'prepared'
    inner join {{ source('memory', 'audience_writes') }} as written
        on members.run_id = written.run_id and written.event = 'written'
    inner join campaigns_of_keys on members.campaign_key = campaigns_of_keys.campaign_key

),

contacts_dated as (

    select * from dated
    union all
    select * from written_out

)

select * from contacts_dated
where contacted_on <= {{ as_of() }}
