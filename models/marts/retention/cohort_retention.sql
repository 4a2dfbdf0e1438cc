with

customers as (

    select
        customer_id,
        {{ month_of('first_order_on') }} as cohort_month,
        {{ month_of('last_order_on') }} as last_order_month,
        is_left_censored
    from {{ ref('int_customers') }}
    where customer_id <> 0 and first_order_on is not null

),

-- The month of the first order is period 0; a return booked before it belongs to no period.
customer_periods as (

    select
        customers.cohort_month,
        customers.is_left_censored,
        (extract(year from customer_months.month) - extract(year from customers.cohort_month)) * 12
        + extract(month from customer_months.month) - extract(month from customers.cohort_month) as period,
        customer_months.month as period_month,
        customer_months.is_month_complete,
        customer_months.month <= customers.last_order_month as orders_again,
        customer_months.orders,
        customer_months.net_revenue,
        customer_months.contribution
    from {{ ref('customer_months') }} as customer_months
    inner join customers on customer_months.customer_id = customers.customer_id
    where customer_months.month >= customers.cohort_month

),

cohort_retention as (

    select
        ---------- ids
        cohort_month,
        is_left_censored,
        cast(period as int) as period,
        period_month,

        ---------- counts
        count(*) as customers,
        count(*) filter (where orders > 0) as active_customers,
        count(*) filter (where orders_again) as customers_ever_again,
        cast(sum(orders) as bigint) as orders,

        ---------- amounts, company currency, without tax
        {{ money('sum(net_revenue)') }} as net_revenue,
        {{ money('sum(contribution)') }} as contribution,

        ---------- booleans
        bool_and(is_month_complete) as is_month_complete

    from customer_periods
    group by cohort_month, is_left_censored, period, period_month

)

select * from cohort_retention
