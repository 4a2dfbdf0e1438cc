with

context as (

    select * from {{ source('run', 'context') }}

),

campaigns as (

    select * from {{ ref('int_campaigns') }}

),

answers as (

    select
        campaign_id,
        count(*) filter (where has_responded) as responses
    from {{ ref('campaign_contacts') }}
    where role = 'contacted'
    group by campaign_id

),

described as (

    select
        ---------- ids
        campaigns.campaign_id,

        ---------- the source's own keys
        campaigns.source,
        campaigns.campaign_key,

        ---------- what it was
        coalesce(campaigns.campaign_name, campaigns.campaign_key) as campaign_name,
        campaigns.kind,
        campaigns.approach,
        campaigns.channel,
        campaigns.goal,

        ---------- counts
        campaigns.chosen,
        campaigns.contacted,
        campaigns.held_out,
        campaigns.in_both_arms,
        coalesce(answers.responses, 0) as responses,

        ---------- amounts, company currency
        {{ money('campaigns.budget_amount') }} as budget_amount,
        {{ money('campaigns.fixed_cost') }} as fixed_cost,
        {{ money('campaigns.unit_cost') }} as unit_cost,
        {{ money('campaigns.cost_amount') }} as cost_amount,

        ---------- booleans
        campaigns.is_known,
        coalesce(windows.window_until_on <= context.as_of_on, false) as is_window_over,

        ---------- dates
        campaigns.started_on,
        campaigns.ended_on,
        windows.first_contacted_on,
        windows.last_contacted_on,
        windows.window_from_on,
        windows.window_until_on

    from campaigns
    cross join context
    left join {{ ref('int_campaign_windows') }} as windows on campaigns.campaign_id = windows.campaign_id
    left join answers on campaigns.campaign_id = answers.campaign_id

)

select * from described
