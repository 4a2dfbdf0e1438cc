with

periods as (

    select * from {{ ref('int_campaign_periods') }}

),

labels as (

    select
        periods.campaign_id,
        months.customer_id,
        months.is_buyer,
        months.value_tier,
        months.engagement_tier,
        months.rfm_group
    from periods
    inner join {{ ref('int_customer_months_labelled') }} as months on periods.labelled_on = months.measured_on
    where months.customer_id <> 0

),

members as (

    select * from {{ ref('int_campaign_members') }}
    where customer_id <> 0

),

-- Where nobody was held out, those who had bought before and were not chosen are who else there was.
others as (

    select
        labels.campaign_id,
        labels.customer_id
    from labels
    inner join periods on labels.campaign_id = periods.campaign_id
    left join members on labels.campaign_id = members.campaign_id and labels.customer_id = members.customer_id
    where not periods.is_randomised and periods.has_before and labels.is_buyer and members.customer_id is null

),

considered as (

    select
        campaign_id,
        customer_id,
        role <> 'held_out' as is_chosen,
        is_in_both_arms,
        true as is_member
    from members
    union all
    select
        campaign_id,
        customer_id,
        false as is_chosen,
        false as is_in_both_arms,
        false as is_member
    from others

),

-- What the campaign spent on each: the cost of their contacts and their share of what is fixed.
spent as (

    select
        campaign_id,
        customer_id,
        -sum(amount) as cost_amount
    from {{ ref('int_campaigns_entered') }}
    group by campaign_id, customer_id

),

labelled as (

    select
        considered.*,
        periods.is_randomised,
        periods.has_before,
        coalesce(labels.value_tier, 'none') as value_tier,
        coalesce(labels.engagement_tier, 'none') as engagement_tier,
        coalesce(labels.rfm_group, 'none') as rfm_group,
        {{ money('coalesce(spent.cost_amount, 0)') }} as cost_amount
    from considered
    inner join periods on considered.campaign_id = periods.campaign_id
    left join labels on considered.campaign_id = labels.campaign_id and considered.customer_id = labels.customer_id
    left join spent on considered.campaign_id = spent.campaign_id and considered.customer_id = spent.customer_id

)

select * from labelled
