-- noqa: disable=LT02
with

context as (

    select * from {{ source('run', 'context') }}

),

-- Movements that are kept, and by month what others came to whose time is over.
rewards as (

    select
        customer_id,
        reward_id,
        kind,
        points,
        points_change,
        value_amount,
        rewarded_at,
        rewarded_on,
        expires_on,
        1 as movements
    from {{ ref('int_rewards_identified') }}
    where customer_id <> 0
    union all
    select
        crosswalk.customer_id,
        cast(null as bigint) as reward_id,
        expired.kind,
        expired.points,
        case
            when expired.kind = 'earned' then coalesce(expired.points, 0)
            when expired.kind in ('redeemed', 'expired') then -coalesce(expired.points, 0)
            else 0
        end as points_change,
        expired.value_amount,
        cast(null as {{ type_instant() }}) as rewarded_at,
        expired.month as rewarded_on,
        expired.expires_on,
        expired.movements
    from {{ source('ledger', 'expired_points') }} as expired
    inner join {{ ref('int_customer_crosswalk') }} as crosswalk on expired.customer_record_id = crosswalk.record_id
    where expired.month <= {{ as_of() }}

),

totals as (

    select
        customer_id,
        coalesce(sum(points) filter (where kind = 'earned'), 0) as points_earned,
        coalesce(sum(points) filter (where kind = 'redeemed'), 0) as points_redeemed,
        coalesce(sum(points) filter (where kind = 'expired'), 0) as points_expired,
        sum(points_change) as points_balance,
        cast(coalesce(sum(movements) filter (where kind = 'gift'), 0) as bigint) as gifts,
        coalesce(sum(value_amount) filter (where kind = 'redeemed'), 0) as redeemed_amount,
        coalesce(sum(value_amount) filter (where kind = 'gift'), 0) as gift_amount,
        max(rewarded_on) as last_rewarded_on
    from rewards
    group by customer_id

),

-- What a point is worth, as the company's own movements value it.
point_values as (

    select cast(sum(value_amount) as double) / nullif(cast(sum(points) as double), 0) as value_per_point
    from rewards
    where kind in ('earned', 'redeemed') and value_amount is not null and points > 0

),

-- Points are redeemed and expire in the order in which they would have expired.
lots as (

    select
        rewards.customer_id,
        rewards.expires_on,
        least(
            rewards.points,
            greatest(
                sum(rewards.points) over (
                    partition by rewards.customer_id
                    order by
                        rewards.expires_on asc nulls last,
                        rewards.rewarded_at asc nulls last,
                        rewards.reward_id asc nulls last
                    rows between unbounded preceding and current row
                )
                - totals.points_redeemed
                - totals.points_expired,
                0
            )
        ) as points_left
    from rewards
    inner join totals on rewards.customer_id = totals.customer_id
    where rewards.kind = 'earned' and rewards.points > 0

),

expiries as (

    select
        lots.customer_id,
        sum(lots.points_left) filter (where lots.expires_on < context.as_of_on) as points_past_expiry,
        min(lots.expires_on) filter (where lots.expires_on >= context.as_of_on) as next_expires_on
    from lots
    cross join context
    where lots.points_left > 0
    group by lots.customer_id

),

next_lots as (

    select
        lots.customer_id,
        sum(lots.points_left) as next_expiring_points
    from lots
    inner join expiries on lots.customer_id = expiries.customer_id and lots.expires_on = expiries.next_expires_on
    where lots.points_left > 0
    group by lots.customer_id

),

reward_balances as (

    select
        ---------- ids
        totals.customer_id,

        ---------- points
        cast(totals.points_earned as decimal(18, 6)) as points_earned,
        cast(totals.points_redeemed as decimal(18, 6)) as points_redeemed,
        cast(totals.points_expired as decimal(18, 6)) as points_expired,
        cast(totals.points_balance as decimal(18, 6)) as points_balance,
        cast(coalesce(expiries.points_past_expiry, 0) as decimal(18, 6)) as points_past_expiry,
        cast(coalesce(next_lots.next_expiring_points, 0) as decimal(18, 6)) as next_expiring_points,
        totals.gifts,

        ---------- amounts, company currency
        {{ money('totals.redeemed_amount') }} as redeemed_amount,
        {{ money('totals.gift_amount') }} as gift_amount,
        {{ money('cast(totals.points_balance as double) * point_values.value_per_point') }} as open_amount,

        ---------- dates
        expiries.next_expires_on,
        totals.last_rewarded_on

    from totals
    cross join point_values
    left join expiries on totals.customer_id = expiries.customer_id
    left join next_lots on totals.customer_id = next_lots.customer_id

)

select * from reward_balances
