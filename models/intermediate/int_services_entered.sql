{{ config(materialized="view") }}

with

service_costs as (

    select * from {{ ref('int_service_costs') }}

),

-- Points cost when they are redeemed, gifts when they are given.
rewards as (

    select
        coalesce(crosswalk.customer_id, 0) as customer_id,
        {{ month_of('rewards.rewarded_on') }} as month,
        rewards.source,
        rewards.kind,
        rewards.value_amount
    from {{ ref('stg_rewards') }} as rewards
    left join {{ ref('int_customer_crosswalk') }} as crosswalk on rewards.customer_record_id = crosswalk.record_id
    where rewards.kind in ('redeemed', 'gift')

),

entries as (

    select
        case when is_priced then customer_id else 0 end as customer_id,
        {{ month_of('opened_on') }} as month,
        source,
        cast(null as bigint) as campaign_id,
        '' as campaign_key,
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
        cast(null as bigint) as campaign_id,
        '' as campaign_key,
        'rewards' as component,
        kind as activity,
        case when value_amount is null then 'missing' else 'stated value' end as rule,
        false as is_assumed,
        1 as entries,
        -coalesce(value_amount, 0) as amount
    from rewards

)

select * from entries
