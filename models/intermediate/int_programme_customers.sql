{#- Months before an activity began over which what a customer brought then is averaged. -#}
{%- set months_before = 3 -%}

with

context as (

    select * from {{ source('run', 'context') }}

),

months as (

    select
        *,
        {{ month_number('month') }} as month_number
    from {{ ref('int_customer_months_labelled') }}
    where customer_id <> 0

),

calendar as (

    select
        month,
        month_number,
        min(month_number) over () as first_month_number
    from months
    group by month, month_number

),

programmes as (

    select
        programmes.programme,
        programmes.campaign_key,
        coalesce(programmes.rule, '') <> '' as has_rule,
        coalesce(programmes.campaign_key, '') <> '' as has_campaign,
        {{ month_number('coalesce(programmes.started_on, context.as_of_on)') }} as start_month_number,
        {{ month_number('least(coalesce(programmes.ended_on, context.as_of_on), context.as_of_on)') }}
            as end_month_number
    from {{ ref('stg_programmes') }} as programmes
    cross join context

),

programme_months as (

    select
        programmes.*,
        calendar.month,
        calendar.month_number,
        programmes.start_month_number - calendar.first_month_number >= {{ months_before }} as has_before
    from programmes
    inner join calendar on calendar.month_number between programmes.start_month_number and programmes.end_month_number

),

-- Members by campaign: who was contacted, beside who was held out by lot.
by_campaign as (

    select
        programme_months.programme,
        programme_months.month,
        programme_months.month_number,
        customers.customer_id,
        customers.is_chosen as is_member,
        true as is_randomised
    from programme_months
    inner join {{ ref('int_campaigns') }} as campaigns on programme_months.campaign_key = campaigns.campaign_key
    inner join {{ ref('int_campaign_customers') }} as customers on campaigns.campaign_id = customers.campaign_id
    where programme_months.has_campaign and customers.is_member and not customers.is_in_both_arms

),

-- Members by rule: who met the conditions at the end of the month before, beside the other customers of then.
by_rule as (

    select
        programme_months.programme,
        programme_months.month,
        programme_months.month_number,
        earlier.customer_id,
        not programme_months.has_rule or eligible.customer_id is not null as is_member,
        false as is_randomised
    from programme_months
    inner join months as earlier on programme_months.month_number = earlier.month_number + 1
    left join {{ ref('int_programme_eligibility') }} as eligible
        on
            programme_months.programme = eligible.programme
            and earlier.customer_id = eligible.customer_id
            and earlier.measured_on = eligible.measured_on
    where not programme_months.has_campaign and (earlier.is_current_customer or eligible.customer_id is not null)

),

members as (

    select * from by_campaign
    union all
    select * from by_rule

),

beginnings as (

    select
        programme,
        min(start_month_number) as start_month_number
    from programme_months
    group by programme

),

starts as (

    select
        beginnings.programme,
        months.customer_id,
        sum(months.contribution) as contribution_before,
        sum(months.orders) as orders_before,
        max_by(months.rfm_group, months.month_number) as rfm_group
    from beginnings
    inner join months
        on
            beginnings.start_month_number > months.month_number
            and beginnings.start_month_number <= months.month_number + {{ months_before }}
    group by beginnings.programme, months.customer_id

),

described as (

    select
        members.programme,
        members.month,
        members.customer_id,
        members.is_member,
        members.is_randomised,
        programme_months.has_before,
        coalesce(months.orders, 0) > 0 as is_buyer,
        coalesce(starts.orders_before, 0) > 0 as was_buyer,
        {{ money('coalesce(months.discounts, 0)') }} as discounts,
        {{ money('coalesce(months.net_revenue, 0)') }} as net_revenue,
        coalesce(months.net_revenue, 0) = 0 or months.contribution is not null as is_contribution_known,
        {{ money('coalesce(months.contribution, 0)') }} as contribution,
        {{ money('cast(coalesce(starts.contribution_before, 0) as double) / ' ~ months_before) }}
            as contribution_before,
        case
            when members.is_randomised then ''
            when coalesce(starts.orders_before, 0) < 2
                then concat(coalesce(starts.rfm_group, 'none'), ' ', coalesce(starts.orders_before, 0))
            when starts.orders_before < 6 then concat(coalesce(starts.rfm_group, 'none'), ' 2-5')
            else concat(coalesce(starts.rfm_group, 'none'), ' 6+')
        end as stratum
    from members
    inner join programme_months
        on members.programme = programme_months.programme and members.month_number = programme_months.month_number
    left join months on members.customer_id = months.customer_id and members.month_number = months.month_number
    left join starts on members.programme = starts.programme and members.customer_id = starts.customer_id

)

select * from described
