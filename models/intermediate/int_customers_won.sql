with

context as (

    select * from {{ source('run', 'context') }}

),

golden_records as (

    select
        customer_id,
        coalesce(acquisition_channel, '') as acquisition_channel,
        acquired_on
    from {{ ref('int_golden_records_chosen') }}

),

contracts as (

    select
        customer_id,
        min(started_on) as first_started_on
    from {{ ref('int_contracts_identified') }}
    group by customer_id

),

-- Of customers who were there when the data begin it is not known when they came.
customers as (

    select
        customers.customer_id,
        coalesce(golden_records.acquisition_channel, '') as acquisition_channel,
        least(golden_records.acquired_on, customers.first_seen_on) as entered_on,
        least(customers.first_ordered_on, contracts.first_started_on) as won_on
    from {{ ref('int_customers') }} as customers
    left join golden_records on customers.customer_id = golden_records.customer_id
    left join contracts on customers.customer_id = contracts.customer_id
    where customers.customer_id <> 0 and not customers.is_left_censored

),

described as (

    select
        customers.customer_id,
        customers.acquisition_channel,
        {{ month_of('customers.entered_on') }} as entered_month,
        {{ month_of('customers.won_on') }} as won_month,
        customers.won_on,
        {{ days_from('customers.won_on', 'context.as_of_on') }} >= 364 as is_first_year_complete
    from customers
    cross join context

)

select * from described
