with

settings as (

    select * from {{ source('run', 'campaign_settings') }}

),

members as (

    select
        campaign_id,
        min(first_contacted_on) as first_contacted_on,
        max(last_contacted_on) as last_contacted_on
    from {{ ref('int_campaign_members') }}
    group by campaign_id

),

-- All members of a campaign are watched over the same days, contacted or held out.
campaign_windows as (

    select
        campaigns.campaign_id,
        members.first_contacted_on,
        members.last_contacted_on,
        coalesce(members.first_contacted_on, campaigns.started_on) as window_from_on,
        {{ days_after(
            'coalesce(members.last_contacted_on, campaigns.ended_on, campaigns.started_on)', 'settings.window_days'
        ) }} as window_until_on
    from {{ ref('int_campaigns') }} as campaigns
    left join members on campaigns.campaign_id = members.campaign_id
    cross join settings

)

select * from campaign_windows
