with

context as (

    select * from {{ source('run', 'context') }}

),

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

order_lines as (

    select
        *,
        {{ month_of('ordered_on') }} as month
    from {{ ref('order_lines') }}

),

service_costs as (

    select * from {{ ref('int_service_costs') }}

),

---------- what was sold

goods as (

    select
        customer_id,
        month,
        source,
        cost_rule,
        is_cost_assumed,
        count(*) as entries,
        count(*) filter (where is_return) as return_entries,
        coalesce(sum(gross_amount) filter (where not is_return), 0) as gross_amount,
        coalesce(sum(discount_amount) filter (where not is_return), 0) as discount_amount,
        coalesce(sum(net_amount) filter (where is_return), 0) as return_amount,
        coalesce(sum(cost_amount), 0) as cost_amount
    from order_lines
    group by customer_id, month, source, cost_rule, is_cost_assumed

),

sold as (

    select
        customer_id,
        month,
        source,
        sum(entries) - sum(return_entries) as sale_entries,
        sum(return_entries) as return_entries,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(return_amount) as return_amount
    from goods
    group by customer_id, month, source

),

---------- what offers cost: an order that names an offer of the reference table used it once

offers_used as (

    select distinct
        order_lines.order_id,
        order_lines.customer_id,
        order_lines.month,
        order_lines.source,
        offers.offer,
        offers.unit_cost
    from order_lines
    inner join {{ ref('stg_offers') }} as offers on order_lines.coupon = offers.offer
    where offers.unit_cost is not null and not order_lines.is_return

),

---------- what rewards cost: points when they are redeemed, gifts when they are given

rewards as (

    select
        coalesce(crosswalk.customer_id, 0) as customer_id,
        {{ month_of('rewards.rewarded_on') }} as month,
        rewards.source,
        rewards.kind,
        rewards.value_amount
    from {{ ref('stg_rewards') }} as rewards
    left join crosswalk on rewards.customer_record_id = crosswalk.record_id
    where rewards.kind in ('redeemed', 'gift')

),

---------- what winning customers cost

records as (

    select
        crosswalk.customer_id,
        records.record_id,
        records.source,
        records.acquisition_channel,
        records.acquisition_cost,
        records.acquired_on,
        coalesce(
            {{ month_of('records.acquired_on') }},
            {{ month_of('customers.first_seen_on') }},
            {{ month_of('context.as_of_on') }}
        ) as month
    from {{ ref('stg_customers') }} as records
    inner join crosswalk on records.record_id = crosswalk.record_id
    inner join {{ ref('int_customers') }} as customers on crosswalk.customer_id = customers.customer_id
    cross join context

),

-- A customer was won once, by the channel of his first record that names one; whose own cost is stated shares in no
-- other.
won as (

    select
        customer_id,
        record_id,
        acquisition_channel,
        month
    from records
    where
        acquired_on is not null
        and acquisition_channel is not null
        and customer_id not in (
            select stated.customer_id from records as stated
            where stated.acquisition_cost is not null
        )
    qualify
        row_number() over (partition by customer_id order by acquired_on asc nulls last, record_id asc nulls last) = 1

),

winning as (

    select
        won.customer_id,
        costs.month,
        costs.acquisition_channel,
        costs.cost_amount,
        costs.is_assumed,
        row_number() over (
            partition by costs.acquisition_channel, costs.month order by won.record_id asc nulls last
        ) as place,
        count(*) over (partition by costs.acquisition_channel, costs.month) as members
    from {{ ref('stg_acquisition_costs') }} as costs
    left join won on costs.acquisition_channel = won.acquisition_channel and costs.month = won.month

),

---------- what campaigns cost

contacted as (

    select
        coalesce(crosswalk.customer_id, 0) as customer_id,
        contacts.campaign_id,
        {{ month_of('contacts.contacted_on') }} as month,
        row_number() over (
            partition by contacts.campaign_id order by contacts.campaign_contact_id asc nulls last
        ) as place,
        count(*) over (partition by contacts.campaign_id) as members
    from {{ ref('int_campaign_contacts_dated') }} as contacts
    left join crosswalk on contacts.customer_record_id = crosswalk.record_id
    where contacts.role = 'contacted'

),

campaigned as (

    select
        coalesce(contacted.customer_id, 0) as customer_id,
        coalesce(contacted.month, {{ month_of('campaigns.started_on') }}) as month,
        campaigns.source,
        coalesce(campaigns.campaign_name, campaigns.campaign_key) as campaign,
        campaigns.fixed_cost,
        campaigns.unit_cost,
        contacted.place,
        contacted.members
    from {{ ref('stg_campaigns') }} as campaigns
    left join contacted on campaigns.campaign_id = contacted.campaign_id

),

---------- all of it, signed

entries as (

    select
        customer_id,
        month,
        source,
        'revenue' as component,
        '' as activity,
        'sales before discounts' as rule,
        false as is_assumed,
        sale_entries as entries,
        gross_amount as amount
    from sold
    where sale_entries > 0
    union all
    select
        customer_id,
        month,
        source,
        'discounts' as component,
        '' as activity,
        'discounts on sales' as rule,
        false as is_assumed,
        sale_entries as entries,
        -discount_amount as amount
    from sold
    where discount_amount <> 0
    union all
    select
        customer_id,
        month,
        source,
        'returns' as component,
        '' as activity,
        'goods returned' as rule,
        false as is_assumed,
        return_entries as entries,
        return_amount as amount
    from sold
    where return_entries > 0
    union all
    select
        customer_id,
        month,
        source,
        'cost of goods' as component,
        '' as activity,
        cost_rule as rule,
        is_cost_assumed as is_assumed,
        entries,
        -cost_amount as amount
    from goods
    union all
    select
        case when is_priced then customer_id else 0 end as customer_id,
        {{ month_of('opened_on') }} as month,
        source,
        'cost to serve' as component,
        kind as activity,
        rule,
        is_assumed,
        contacts as entries,
        -cost_amount as amount
    from service_costs
    union all
    select
        case when value_amount is null then 0 else customer_id end as customer_id,
        month,
        source,
        'rewards' as component,
        kind as activity,
        case when value_amount is null then 'missing' else 'stated value' end as rule,
        false as is_assumed,
        1 as entries,
        -coalesce(value_amount, 0) as amount
    from rewards
    union all
    select
        customer_id,
        month,
        source,
        'acquisition' as component,
        coalesce(acquisition_channel, '') as activity,
        'stated cost' as rule,
        false as is_assumed,
        1 as entries,
        -acquisition_cost as amount
    from records
    where acquisition_cost is not null
    union all
    select
        coalesce(customer_id, 0) as customer_id,
        month,
        'reference' as source,
        'acquisition' as component,
        acquisition_channel as activity,
        case when customer_id is null then 'nobody won to spread it over' else 'spread over the customers won' end
            as rule,
        is_assumed,
        1 as entries,
        case
            when customer_id is null then -cost_amount
            else -({{ even_share('cost_amount', 'place', 'members') }})
        end as amount
    from winning
    union all
    select
        customer_id,
        month,
        source,
        'campaigns' as component,
        campaign as activity,
        'unit cost' as rule,
        false as is_assumed,
        1 as entries,
        -unit_cost as amount
    from campaigned
    where unit_cost is not null and members is not null
    union all
    select
        customer_id,
        month,
        source,
        'campaigns' as component,
        campaign as activity,
        case
            when members is null then 'nobody contacted to spread it over' else 'fixed cost spread over those contacted'
        end
            as rule,
        false as is_assumed,
        1 as entries,
        case when members is null then -fixed_cost else -({{ even_share('fixed_cost', 'place', 'members') }}) end
            as amount
    from campaigned
    where fixed_cost is not null
    union all
    select
        0 as customer_id,
        month,
        source,
        'campaigns' as component,
        campaign as activity,
        'missing' as rule,
        false as is_assumed,
        1 as entries,
        0 as amount
    from campaigned
    where fixed_cost is null and unit_cost is null and members is not null
    union all
    select
        customer_id,
        month,
        source,
        'offers' as component,
        offer as activity,
        'unit cost of the offer used' as rule,
        false as is_assumed,
        1 as entries,
        -unit_cost as amount
    from offers_used

),

-- A kind of cost that nothing is known of is named, at nothing, on the line of nobody.
kinds_of_cost as (

    select 'cost of goods' as component
    union all
    select 'cost to serve' as component
    union all
    select 'rewards' as component
    union all
    select 'acquisition' as component
    union all
    select 'campaigns' as component
    union all
    select 'offers' as component

),

known as (

    select distinct component
    from entries
    where rule <> 'missing'

),

unknown as (

    select kinds_of_cost.component
    from kinds_of_cost
    left join known on kinds_of_cost.component = known.component
    where known.component is null

),

ledger as (

    select * from entries
    union all
    select
        0 as customer_id,
        {{ month_of('context.as_of_on') }} as month,
        'none' as source,
        unknown.component,
        '' as activity,
        'nothing delivered that tells it' as rule,
        false as is_assumed,
        0 as entries,
        0 as amount
    from unknown
    cross join context

),

value_ledger as (

    select
        ---------- ids
        customer_id,
        month,

        ---------- what it is
        component,
        activity,
        rule,
        source,

        ---------- numbers
        cast(sum(entries) as bigint) as entries,
        {{ money('sum(amount)') }} as amount,

        ---------- booleans
        is_assumed

    from ledger
    group by customer_id, month, component, activity, rule, source, is_assumed

)

select * from value_ledger
