{{ config(materialized="view") }}

with

as_of_month as (

    select {{ month_number('as_of_on') }} as month_number
    from {{ source('run', 'context') }}

),

customer_months as (

    select * from {{ ref('int_customer_months_since_first_order') }}

),

-- Sums of every first month, month and channel: what all kinds of cohort are made of, few rows.
monthly as (

    select
        first_month,
        is_left_censored,
        acquisition_channel,
        first_month_number,
        month_number,
        count(*) as customers,
        count(*) filter (where orders > 0) as active_customers,
        count(*) filter (where month_number <= last_month_number) as repeat_customers,
        sum(orders) as orders,
        sum(net_revenue) as net_revenue,
        sum(contribution) as contribution,
        bool_and(is_month_complete) as is_complete
    from customer_months
    group by first_month, is_left_censored, acquisition_channel, first_month_number, month_number

),

-- In a quarter a customer counts once, however many of its months they ordered in.
quarters as (

    select
        customer_months.customer_id,
        cast(date_trunc('quarter', customer_months.first_month) as date) as first_quarter,
        customer_months.is_left_censored,
        cast(floor(cast(customer_months.month_number - 1 as double) / 3) as int) as quarter_number,
        cast(floor(cast(customer_months.first_month_number - 1 as double) / 3) as int) as first_quarter_number,
        sum(customer_months.orders) as orders,
        max(customer_months.last_month_number)
        >= max(floor(cast(customer_months.month_number - 1 as double) / 3) * 3 + 1) as orders_again,
        sum(customer_months.net_revenue) as net_revenue,
        sum(customer_months.contribution) as contribution,
        bool_and(
            customer_months.is_month_complete
            and as_of_month.month_number >= floor(cast(customer_months.month_number - 1 as double) / 3) * 3 + 3
        ) as is_complete
    from customer_months
    cross join as_of_month
    group by 1, 2, 3, 4, 5

),

periods as (

    select
        'month' as segmentation,
        substring(cast(first_month as string), 1, 7) as cohort,
        first_month as cohort_began_on,
        is_left_censored,
        month_number - first_month_number as period,
        month_number as period_month_number,
        sum(customers) as customers,
        sum(active_customers) as active_customers,
        sum(repeat_customers) as repeat_customers,
        sum(orders) as orders,
        sum(net_revenue) as net_revenue,
        sum(contribution) as contribution,
        bool_and(is_complete) as is_complete
    from monthly
    group by 1, 2, 3, 4, 5, 6
    union all
    select
        'quarter' as segmentation,
        cast(extract(year from first_quarter) as string) || '-Q' || cast(extract(quarter from first_quarter) as string)
            as cohort,
        first_quarter as cohort_began_on,
        is_left_censored,
        quarter_number - first_quarter_number as period,
        quarter_number * 3 + 1 as period_month_number,
        count(*) as customers,
        count(*) filter (where orders > 0) as active_customers,
        count(*) filter (where orders_again) as repeat_customers,
        sum(orders) as orders,
        sum(net_revenue) as net_revenue,
        sum(contribution) as contribution,
        bool_and(is_complete) as is_complete
    from quarters
    group by 1, 2, 3, 4, 5, 6
    union all
    select
        'acquisition_channel' as segmentation,
        acquisition_channel as cohort,
        cast(null as date) as cohort_began_on,
        is_left_censored,
        month_number - first_month_number as period,
        cast(null as int) as period_month_number,
        sum(customers) as customers,
        sum(active_customers) as active_customers,
        sum(repeat_customers) as repeat_customers,
        sum(orders) as orders,
        sum(net_revenue) as net_revenue,
        sum(contribution) as contribution,
        bool_and(is_complete) as is_complete
    from monthly
    group by 1, 2, 3, 4, 5, 6

),

-- What the customers who have come so far brought in their period 0: of a channel, the later customers fall away.
channel_starts as (

    select
        periods.cohort,
        periods.is_left_censored,
        periods.period,
        sum(monthly.net_revenue) as net_revenue_at_start,
        sum(monthly.contribution) as contribution_at_start
    from periods
    cross join as_of_month
    inner join monthly
        on
            periods.cohort = monthly.acquisition_channel
            and periods.is_left_censored = monthly.is_left_censored
            and monthly.month_number = monthly.first_month_number
            and monthly.first_month_number + periods.period <= as_of_month.month_number
    where periods.segmentation = 'acquisition_channel'
    group by 1, 2, 3

),

counted as (

    select
        {% for measure in ['net_revenue', 'contribution'] %}
            case
                when periods.segmentation = 'acquisition_channel' then channel_starts.{{ measure }}_at_start
                else
                    max(case when periods.period = 0 then periods.{{ measure }} end) over (
                        partition by periods.segmentation, periods.cohort, periods.is_left_censored
                    )
            end as {{ measure }}_at_start,
        {% endfor %}
        periods.*
    from periods
    left join channel_starts
        on
            periods.segmentation = 'acquisition_channel'
            and periods.cohort = channel_starts.cohort
            and periods.is_left_censored = channel_starts.is_left_censored
            and periods.period = channel_starts.period

)

select * from counted
