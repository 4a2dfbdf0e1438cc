with

context as (

    select * from {{ source('run', 'context') }}

),

interactions as (

    select * from {{ ref('int_interactions_identified') }}

),

opportunities as (

    select * from {{ ref('int_opportunities') }}

),

-- What was done before: the customer's contacts in either direction in the year before, visits to the website left out.
actions as (

    select
        opportunities.interaction_id,
        count(*) as actions_before,
        count(*) filter (where earlier.direction = 'outbound') as outbound_actions_before,
        count(*) filter (where earlier.kind = 'proposal') as proposals_before,
        min(earlier.opened_on) as first_action_on,
        max(earlier.opened_on) as last_action_on,
        {{ text_list('earlier.channel') }} as action_channels
    from opportunities
    inner join interactions as earlier
        on
            opportunities.customer_id = earlier.customer_id
            and opportunities.opened_at > earlier.opened_at
            and {{ days_from('earlier.opened_on', 'opportunities.opened_on') }} <= 365
    where opportunities.customer_id <> 0 and earlier.kind <> 'session'
    group by opportunities.interaction_id

),

sales_pipeline as (

    select
        ---------- ids
        opportunities.interaction_id as opportunity_id,
        opportunities.customer_id,
        opportunities.product_id,
        opportunities.campaign_id,

        ---------- the source's own keys
        opportunities.source,
        opportunities.interaction_key as opportunity_key,
        opportunities.campaign_key,

        ---------- what it was
        opportunities.kind,
        opportunities.channel,
        opportunities.agent,
        opportunities.stage,
        opportunities.outcome,

        ---------- numbers
        {{ money('opportunities.amount') }} as amount,
        case when opportunities.stage = 'open' then {{ days_from('opportunities.opened_on', 'context.as_of_on') }} end
            as age_days,
        case
            when opportunities.stage in ('won', 'lost')
                then {{ days_from('opportunities.opened_on', 'opportunities.resolved_on') }}
        end as days_to_decision,

        ---------- what was done in the year before
        coalesce(actions.actions_before, 0) as actions_before,
        coalesce(actions.outbound_actions_before, 0) as outbound_actions_before,
        coalesce(actions.proposals_before, 0) as proposals_before,
        actions.action_channels,

        ---------- booleans
        opportunities.stage = 'open' as is_open,
        opportunities.stage = 'won' as is_won,

        ---------- times
        opportunities.opened_at,
        opportunities.opened_on,
        case when opportunities.stage in ('won', 'lost') then opportunities.resolved_on end as decided_on,
        actions.first_action_on,
        actions.last_action_on

    from opportunities
    cross join context
    left join actions on opportunities.interaction_id = actions.interaction_id

)

select * from sales_pipeline
