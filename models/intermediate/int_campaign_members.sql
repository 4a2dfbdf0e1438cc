with

context as (

    select * from {{ source('run', 'context') }}

),

contacts as (

    select
        coalesce(crosswalk.customer_id, 0) as customer_id,
        contacts.*
    from {{ ref('int_campaign_contacts_dated') }} as contacts
    left join {{ ref('int_customer_crosswalk') }} as crosswalk on contacts.customer_record_id = crosswalk.record_id

),

-- Several records of one customer may be chosen: who was contacted by any of them was contacted.
delivered as (

    select
        campaign_id,
        customer_id,
        case
            when bool_or(role = 'contacted') then 'contacted'
            when bool_or(role = 'held_out') then 'held_out'
            else 'chosen'
        end as role,
        bool_or(role = 'held_out') and bool_or(role = 'contacted') as is_in_both_arms,
        min_by(channel, campaign_contact_id) as channel,
        count(*) filter (where role = 'contacted') as contacts,
        min(contacted_on) filter (where role = 'contacted') as first_contacted_on,
        max(contacted_on) filter (where role = 'contacted') as last_contacted_on,
        min(contacted_on) as chosen_on,
        bool_or(is_date_assumed) as is_date_assumed
    from contacts
    group by campaign_id, customer_id

),

-- What was drawn by lot before the campaign began is its assignment, whoever was contacted in the end.
splits as (

    select
        campaigns.campaign_id,
        crosswalk.customer_id,
        campaigns.started_on,
        bool_or(splits.arm = 'held_out') as is_held_out,
        bool_or(splits.arm = 'chosen') as is_chosen
    from {{ source('memory', 'campaign_splits') }} as splits
    inner join {{ ref('int_campaigns_known') }} as campaigns on splits.campaign_key = campaigns.campaign_key
    inner join {{ ref('int_customer_crosswalk') }} as crosswalk on splits.record_id = crosswalk.record_id
    cross join context
    where campaigns.started_on <= context.as_of_on
    group by campaigns.campaign_id, crosswalk.customer_id, campaigns.started_on

),

campaign_members as (

    select
        coalesce(delivered.campaign_id, splits.campaign_id) as campaign_id,
        coalesce(delivered.customer_id, splits.customer_id) as customer_id,
        case
            when splits.is_held_out and not splits.is_chosen then 'held_out'
            else coalesce(delivered.role, 'chosen')
        end as role,
        coalesce(splits.is_held_out and splits.is_chosen, delivered.is_in_both_arms) as is_in_both_arms,
        delivered.channel,
        coalesce(delivered.contacts, 0) as contacts,
        delivered.first_contacted_on,
        delivered.last_contacted_on,
        coalesce(delivered.chosen_on, splits.started_on) as chosen_on,
        coalesce(delivered.is_date_assumed, true) as is_date_assumed
    from delivered
    full join splits on delivered.campaign_id = splits.campaign_id and delivered.customer_id = splits.customer_id

)

select * from campaign_members
