{{ config(materialized="view") }}

with

-- Without a lot, by how much each differs from the months before it began, where these are known.
outcomes as (

    select
        programme,
        month,
        stratum,
        is_member,
        is_randomised,
        is_buyer,
        was_buyer,
        is_contribution_known,
        {{ money('contribution - case when is_randomised then 0 else contribution_before end') }} as contribution
    from {{ ref('int_programme_customers') }}
    where is_randomised or has_before

),

arms as (

    select
        0 as campaign_id,
        programme as segmentation,
        cast(month as string) as segment,
        stratum,
        is_member as is_chosen,
        is_randomised,
        count(*) as customers,
        count(*) filter (where is_buyer) as buyers,
        count(*) filter (where was_buyer) as buyers_before,
        count(*) filter (where is_buyer) as buyer_share_sum,
        count(*) filter (where is_buyer) as buyer_share_squares,
        0 as net_revenue_sum,
        0 as net_revenue_squares,
        case when bool_and(is_contribution_known) then sum(contribution) end as contribution_sum,
        sum({{ times('contribution', 'contribution') }}) as contribution_squares
    from outcomes
    group by programme, month, stratum, is_member, is_randomised

)

select * from arms
