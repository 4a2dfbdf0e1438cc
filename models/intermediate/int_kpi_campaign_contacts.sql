{{ config(materialized="view") }}

with

campaign_contacts as (

    select * from {{ ref('campaign_contacts') }}

),

campaigns as (

    select * from {{ ref('campaigns') }}

),

-- Chosen or contacted against held out, as they were assigned; who was in both arms is in no comparison.
arms as (

    select
        campaign_id,
        count(*) filter (where role <> 'held_out' and not is_in_both_arms) as treated,
        count(*) filter (where role = 'held_out' and not is_in_both_arms) as held_out
    from campaign_contacts
    where customer_id <> 0
    group by campaign_id

),

kpi_campaign_contacts as (

    select
        ---------- ids
        {{ month_of('campaign_contacts.window_until_on') }} as month,
        campaign_contacts.customer_id,
        campaigns.campaign_key,

        ---------- segments at the end and the start of the month in which the campaign began
        {{ segments_of_months() }}
        campaign_contacts.channel,

        ---------- what it was
        campaigns.kind,
        campaigns.approach,
        campaign_contacts.role,

        ---------- what they did within the window
        campaign_contacts.orders,
        campaign_contacts.campaign_orders,
        campaign_contacts.net_revenue,
        campaign_contacts.contribution,
        campaign_contacts.campaign_net_revenue,

        ---------- booleans
        campaign_contacts.has_responded,
        campaign_contacts.is_in_both_arms,

        ---------- the contact's share of the campaign's cost, and what it adds to the difference of the arms
        case
            when campaigns.cost_amount is null then null
            when campaign_contacts.role = 'contacted'
                then cast(campaigns.cost_amount as double) / nullif(campaigns.contacted, 0)
            else 0
        end as cost_amount,
        case
            when coalesce(arms.held_out, 0) = 0 then null
            when campaign_contacts.is_in_both_arms then 0
            when campaign_contacts.role = 'held_out'
                then -cast(campaign_contacts.contribution as double) * arms.treated / arms.held_out
            else cast(campaign_contacts.contribution as double)
        end as incremental_contribution

    from campaign_contacts
    inner join campaigns on campaign_contacts.campaign_id = campaigns.campaign_id
    left join arms on campaign_contacts.campaign_id = arms.campaign_id
    {{ join_customer_months('campaign_contacts', 'window_from_on') }}
    -- what is not over yet would look like less than it will be
    where campaign_contacts.is_window_over and campaign_contacts.customer_id <> 0

)

select * from kpi_campaign_contacts
