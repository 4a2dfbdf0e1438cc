with

periods as (

    select * from {{ ref('int_cohort_periods_counted') }}

),

cohort_retention as (

    select
        ---------- ids
        segmentation,
        cohort,
        cohort_began_on,
        is_left_censored,
        cast(period as int) as period,
        make_date(
            cast(floor(cast(period_month_number - 1 as double) / 12) as int),
            cast((period_month_number - 1) % 12 + 1 as int),
            1
        ) as period_began_on,

        ---------- counts
        cast(customers as bigint) as customers,
        cast(active_customers as bigint) as active_customers,
        cast(repeat_customers as bigint) as repeat_customers,
        cast(orders as bigint) as orders,

        ---------- amounts, company currency, without tax
        {{ money('net_revenue') }} as net_revenue,
        {{ money('contribution') }} as contribution,

        ---------- shares
        cast(active_customers as double) / customers as share_active,
        cast(repeat_customers as double) / customers as repeat_purchase_rate,
        case
            when net_revenue_at_start > 0
                then cast(net_revenue as double) / cast(net_revenue_at_start as double)
        end as revenue_retention,
        case
            when contribution_at_start > 0
                then cast(contribution as double) / cast(contribution_at_start as double)
        end as contribution_retention,

        ---------- booleans
        is_complete as is_period_complete

    from periods

)

select * from cohort_retention
