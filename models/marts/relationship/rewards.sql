{{ config(materialized="view") }}

with

identified as (

    select * from {{ ref('int_rewards_identified') }}

),

rewards as (

    select
        ---------- ids
        reward_id,
        customer_id,

        ---------- the source's own keys
        source,
        reward_key,
        customer_key,

        ---------- what it was
        kind,

        ---------- numbers
        points,
        cast(points_change as decimal(18, 6)) as points_change,
        {{ money('value_amount') }} as value_amount,

        ---------- times
        rewarded_at,
        rewarded_on,
        expires_on

    from identified

)

select * from rewards
