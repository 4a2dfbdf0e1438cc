with

contacts as (

    select
        coalesce(crosswalk.customer_id, 0) as customer_id,
        contacts.*
    from {{ ref('int_campaign_contacts_dated') }} as contacts
    left join {{ ref('int_customer_crosswalk') }} as crosswalk on contacts.customer_record_id = crosswalk.record_id

),

-- Several records of one customer may be chosen: who was contacted by any of them was contacted.
campaign_members as (

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

)

select * from campaign_members
