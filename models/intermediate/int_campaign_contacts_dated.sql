{{ config(materialized="view") }}

with

contacts as (

    select * from {{ ref('stg_campaign_contacts') }}

),

campaigns as (

    select * from {{ ref('stg_campaigns') }}

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

)

select * from dated
where contacted_on <= {{ as_of() }}
