with

customers as (

    select
        int_customers.customer_id,
        int_customers.is_left_censored,
        {{ month_of('int_customers.first_order_on') }} as first_month,
        {{ month_number('int_customers.first_order_on') }} as first_month_number,
        {{ month_number('int_customers.last_order_on') }} as last_month_number,
        coalesce(customers.acquisition_channel, 'not known') as acquisition_channel
    from {{ ref('int_customers') }} as int_customers
    inner join {{ ref('customers') }} as customers on int_customers.customer_id = customers.customer_id
    where int_customers.customer_id <> 0 and int_customers.first_order_on is not null

),

as_of_month as (

    select {{ month_number('as_of_on') }} as month_number
    from {{ source('run', 'context') }}

),

-- The month of the first order is period 0; a return booked before it belongs to no period.
customer_months as (

    select
        months.customer_id,
        customers.is_left_censored,
        customers.first_month,
        customers.acquisition_channel,
        {{ month_number('months.month') }} as month_number,
        customers.first_month_number,
        customers.last_month_number,
        months.is_month_complete,
        months.orders,
        months.net_revenue,
        months.contribution
    from {{ ref('int_customer_months') }} as months
    inner join customers on months.customer_id = customers.customer_id
    where {{ month_number('months.month') }} >= customers.first_month_number

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
        count(*) filter (where month_number <= last_month_number) as customers_ever_again,
        sum(orders) as orders,
        sum(net_revenue) as net_revenue,
        sum(contribution) as contribution,
        bool_and(is_month_complete) as is_complete
    from customer_months
    group by first_month, is_left_censored, acquisition_channel, first_month_number, month_number

),

-- In a quarter a customer counts once, however many of its months he ordered in.
quarters as (

    select
        customer_months.customer_id,
        cast(date_trunc('quarter', customer_months.first_month) as date) as first_quarter,
        customer_months.is_left_censored,
        cast(floor((customer_months.month_number - 1) / 3) as int) as quarter_number,
        cast(floor((customer_months.first_month_number - 1) / 3) as int) as first_quarter_number,
        sum(customer_months.orders) as orders,
        max(customer_months.last_month_number)
        >= max(floor((customer_months.month_number - 1) / 3) * 3 + 1) as orders_again,
        sum(customer_months.net_revenue) as net_revenue,
        sum(customer_months.contribution) as contribution,
        bool_and(
            customer_months.is_month_complete
            and as_of_month.month_number >= floor((customer_months.month_number - 1) / 3) * 3 + 3
        ) as is_complete
    from customer_months
    cross join as_of_month
    group by 1, 2, 3, 4, 5

),

cohorts as (

    select
        'month' as cohort_kind,
        substring(cast(first_month as string), 1, 7) as cohort,
        first_month as cohort_began_on,
        is_left_censored,
        month_number - first_month_number as period,
        month_number as period_month_number,
        sum(customers) as customers,
        sum(active_customers) as active_customers,
        sum(customers_ever_again) as customers_ever_again,
        sum(orders) as orders,
        sum(net_revenue) as net_revenue,
        sum(contribution) as contribution,
        bool_and(is_complete) as is_complete
    from monthly
    group by 1, 2, 3, 4, 5, 6
    union all
    select
        'quarter' as cohort_kind,
        cast(extract(year from first_quarter) as string) || '-Q' || cast(extract(quarter from first_quarter) as string)
            as cohort,
        first_quarter as cohort_began_on,
        is_left_censored,
        quarter_number - first_quarter_number as period,
        quarter_number * 3 + 1 as period_month_number,
        count(*) as customers,
        count(*) filter (where orders > 0) as active_customers,
        count(*) filter (where orders_again) as customers_ever_again,
        sum(orders) as orders,
        sum(net_revenue) as net_revenue,
        sum(contribution) as contribution,
        bool_and(is_complete) as is_complete
    from quarters
    group by 1, 2, 3, 4, 5, 6
    union all
    select
        'acquisition_channel' as cohort_kind,
        monthly.acquisition_channel as cohort,
        cast(null as date) as cohort_began_on,
        monthly.is_left_censored,
        monthly.month_number - monthly.first_month_number as period,
        cast(null as int) as period_month_number,
        sum(monthly.customers) as customers,
        sum(monthly.active_customers) as active_customers,
        sum(monthly.customers_ever_again) as customers_ever_again,
        sum(monthly.orders) as orders,
        sum(monthly.net_revenue) as net_revenue,
        sum(monthly.contribution) as contribution,
        bool_and(monthly.is_complete) as is_complete
    from monthly
    group by 1, 2, 3, 4, 5, 6

),

-- What the customers who have come so far brought in their period 0: of a channel, the later customers fall away.
begun as (

    select
        'month' as cohort_kind,
        substring(cast(first_month as string), 1, 7) as cohort,
        is_left_censored,
        cast(null as int) as period,
        sum(net_revenue) as net_revenue_at_start,
        sum(contribution) as contribution_at_start
    from monthly
    where month_number = first_month_number
    group by 1, 2, 3, 4
    union all
    select
        'quarter' as cohort_kind,
        cast(extract(year from first_quarter) as string) || '-Q' || cast(extract(quarter from first_quarter) as string)
            as cohort,
        is_left_censored,
        cast(null as int) as period,
        sum(net_revenue) as net_revenue_at_start,
        sum(contribution) as contribution_at_start
    from quarters
    where quarter_number = first_quarter_number
    group by 1, 2, 3, 4
    union all
    select
        'acquisition_channel' as cohort_kind,
        cohorts.cohort,
        cohorts.is_left_censored,
        cohorts.period,
        sum(monthly.net_revenue) as net_revenue_at_start,
        sum(monthly.contribution) as contribution_at_start
    from cohorts
    cross join as_of_month
    inner join monthly
        on
            cohorts.cohort = monthly.acquisition_channel
            and cohorts.is_left_censored = monthly.is_left_censored
            and monthly.month_number = monthly.first_month_number
            and monthly.first_month_number + cohorts.period <= as_of_month.month_number
    where cohorts.cohort_kind = 'acquisition_channel'
    group by 1, 2, 3, 4

),

cohort_retention as (

    select
        ---------- ids
        cohorts.cohort_kind,
        cohorts.cohort,
        cohorts.cohort_began_on,
        cohorts.is_left_censored,
        cast(cohorts.period as int) as period,
        make_date(
            cast(floor((cohorts.period_month_number - 1) / 12) as int),
            cast((cohorts.period_month_number - 1) % 12 + 1 as int),
            1
        ) as period_began_on,

        ---------- counts
        cast(cohorts.customers as bigint) as customers,
        cast(cohorts.active_customers as bigint) as active_customers,
        cast(cohorts.customers_ever_again as bigint) as customers_ever_again,
        cast(cohorts.orders as bigint) as orders,

        ---------- amounts, company currency, without tax
        {{ money('cohorts.net_revenue') }} as net_revenue,
        {{ money('cohorts.contribution') }} as contribution,

        ---------- shares
        cast(cohorts.active_customers as double) / cohorts.customers as share_active,
        cast(cohorts.customers_ever_again as double) / cohorts.customers as share_ever_again,
        case
            when begun.net_revenue_at_start > 0
                then cast(cohorts.net_revenue as double) / cast(begun.net_revenue_at_start as double)
        end as revenue_retention,
        case
            when begun.contribution_at_start > 0
                then cast(cohorts.contribution as double) / cast(begun.contribution_at_start as double)
        end as contribution_retention,

        ---------- booleans
        cohorts.is_complete as is_period_complete

    from cohorts
    left join begun
        on
            cohorts.cohort_kind = begun.cohort_kind
            and cohorts.cohort = begun.cohort
            and cohorts.is_left_censored = begun.is_left_censored
            and (begun.period is null or cohorts.period = begun.period)

)

select * from cohort_retention
