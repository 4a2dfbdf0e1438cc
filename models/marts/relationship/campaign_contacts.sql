with

context as (

    select * from {{ source('run', 'context') }}

),

members as (

    select * from {{ ref('int_campaign_members') }}

),

windows as (

    select * from {{ ref('int_campaign_windows') }}

),

order_lines as (

    select * from {{ ref('int_order_lines_identified') }}

),

bought as (

    select
        members.campaign_id,
        members.customer_id,
        count(distinct case when not order_lines.is_return then order_lines.order_id end) as orders,
        sum(order_lines.net_amount) as net_revenue,
        sum(order_lines.contribution) as contribution,
        sum(case when order_lines.cost_amount is null then order_lines.net_amount end) as net_revenue_without_cost,
        count(
            distinct case
                when not order_lines.is_return and order_lines.campaign_id = members.campaign_id
                    then order_lines.order_id
            end
        ) as campaign_orders,
        sum(case when order_lines.campaign_id = members.campaign_id then order_lines.net_amount end)
            as campaign_net_revenue
    from members
    inner join windows on members.campaign_id = windows.campaign_id
    inner join order_lines
        on
            members.customer_id = order_lines.customer_id
            and order_lines.ordered_on between windows.window_from_on and windows.window_until_on
    where members.customer_id <> 0
    group by members.campaign_id, members.customer_id

),

-- What the customer said to it, and what they ordered from it, whenever that was.
answers as (

    select
        campaign_id,
        customer_id,
        opened_on as answered_on
    from {{ ref('int_interactions_identified') }}
    where kind = 'response' and campaign_id is not null
    union all
    select
        campaign_id,
        customer_id,
        ordered_on as answered_on
    from order_lines
    where campaign_id is not null and not is_return

),

responses as (

    select
        members.campaign_id,
        members.customer_id,
        min(answers.answered_on) as responded_on
    from members
    inner join answers on members.campaign_id = answers.campaign_id and members.customer_id = answers.customer_id
    where answers.answered_on >= coalesce(members.first_contacted_on, members.chosen_on)
    group by members.campaign_id, members.customer_id

),

campaign_contacts as (

    select
        ---------- ids
        members.campaign_id,
        members.customer_id,

        ---------- what it was
        members.role,
        members.channel,

        ---------- counts
        members.contacts,
        coalesce(bought.orders, 0) as orders,
        coalesce(bought.campaign_orders, 0) as campaign_orders,

        ---------- amounts, company currency, without tax
        {{ money('coalesce(bought.net_revenue, 0)') }} as net_revenue,
        {{ money('case when bought.net_revenue is null then 0 else bought.contribution end') }} as contribution,
        {{ money('coalesce(bought.net_revenue_without_cost, 0)') }} as net_revenue_without_cost,
        {{ money('coalesce(bought.campaign_net_revenue, 0)') }} as campaign_net_revenue,

        ---------- booleans
        responses.responded_on is not null as has_responded,
        members.is_in_both_arms,
        coalesce(windows.window_until_on <= context.as_of_on, false) as is_window_over,
        members.is_date_assumed,

        ---------- dates
        members.chosen_on,
        members.first_contacted_on,
        members.last_contacted_on,
        responses.responded_on,
        windows.window_from_on,
        windows.window_until_on

    from members
    cross join context
    left join windows on members.campaign_id = windows.campaign_id
    left join bought on members.campaign_id = bought.campaign_id and members.customer_id = bought.customer_id
    left join responses on members.campaign_id = responses.campaign_id and members.customer_id = responses.customer_id

)

select * from campaign_contacts
