{{ config(materialized="view") }}

with

customers as (

    select
        customer_id,
        is_left_censored,
        {{ month_of('first_ordered_on') }} as first_month,
        {{ month_number('first_ordered_on') }} as first_month_number,
        {{ month_number('last_ordered_on') }} as last_month_number,
        coalesce(acquisition_channel, 'not known') as acquisition_channel
    from {{ ref('int_customers') }}
    where customer_id <> 0 and first_ordered_on is not null

),

-- The month of the first order is period 0; a return booked before it belongs to no period.
months_since as (

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

)

select * from months_since
