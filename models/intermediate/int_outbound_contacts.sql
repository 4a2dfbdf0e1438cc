with

interactions as (

    select
        customer_id,
        campaign_id,
        channel,
        opened_on as contacted_on
    from {{ ref('int_interactions_identified') }}
    where direction = 'outbound' and customer_id <> 0

),

campaign_contacts as (

    select
        crosswalk.customer_id,
        contacts.campaign_id,
        contacts.channel,
        contacts.contacted_on
    from {{ ref('int_campaign_contacts_dated') }} as contacts
    inner join {{ ref('int_customer_crosswalk') }} as crosswalk on contacts.customer_record_id = crosswalk.record_id
    where contacts.role = 'contacted'

),

-- A contact for a campaign that another system tells of too, that day and in that channel, was one.
outbound_contacts as (

    select
        customer_id,
        channel,
        contacted_on
    from interactions
    union all
    select
        campaign_contacts.customer_id,
        campaign_contacts.channel,
        campaign_contacts.contacted_on
    from campaign_contacts
    where
        not exists (
            select 1
            from interactions
            where
                interactions.customer_id = campaign_contacts.customer_id
                and interactions.campaign_id = campaign_contacts.campaign_id
                and interactions.contacted_on = campaign_contacts.contacted_on
                and coalesce(interactions.channel, '') = coalesce(campaign_contacts.channel, '')
        )

)

select * from outbound_contacts
