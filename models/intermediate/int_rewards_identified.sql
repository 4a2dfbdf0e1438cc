{{ config(materialized="view") }}

with

rewards as (

    select
        ---------- ids
        rewards.reward_id,
        coalesce(crosswalk.customer_id, 0) as customer_id,

        ---------- the source's own keys
        rewards.source,
        rewards.reward_key,
        rewards.customer_key,

        ---------- what it was
        rewards.kind,

        ---------- numbers
        rewards.points,
        case
            when rewards.kind = 'earned' then coalesce(rewards.points, 0)
            when rewards.kind in ('redeemed', 'expired') then -coalesce(rewards.points, 0)
            else 0
        end as points_change,
        rewards.value_amount,

        ---------- times
        rewards.rewarded_at,
        rewards.rewarded_on,
        case when rewards.kind = 'earned' then rewards.expires_on end as expires_on

    from {{ ref('stg_rewards') }} as rewards
    left join {{ ref('int_customer_crosswalk') }} as crosswalk on rewards.customer_record_id = crosswalk.record_id

)

select * from rewards
