with

customers_won as (

    select * from {{ ref('int_customers_won') }}

),

customer_value as (

    select
        customer_id,
        expected_value
    from {{ ref('customer_value') }}

),

entered as (

    select
        acquisition_channel,
        entered_month as month,
        count(*) as entered,
        count(*) filter (where won_month is null) as prospects
    from customers_won
    where entered_month is not null
    group by acquisition_channel, entered_month

),

won as (

    select
        customers_won.acquisition_channel,
        customers_won.won_month as month,
        count(*) as new_customers,
        bool_and(customers_won.is_first_year_complete) as is_first_year_complete,
        sum(customer_value.expected_value) as expected_value
    from customers_won
    left join customer_value on customers_won.customer_id = customer_value.customer_id
    where customers_won.won_month is not null
    group by customers_won.acquisition_channel, customers_won.won_month

),

paid_back as (

    select * from {{ ref('int_acquisition_paid_back') }}

),

months as (

    select
        acquisition_channel,
        month
    from entered
    union
    select
        acquisition_channel,
        month
    from won
    union
    select
        acquisition_channel,
        month
    from paid_back

),

acquisition as (

    select
        ---------- ids
        months.acquisition_channel,
        months.month,

        ---------- counts
        coalesce(entered.entered, 0) as entered,
        coalesce(entered.prospects, 0) as prospects,
        coalesce(won.new_customers, 0) as new_customers,

        ---------- amounts, company currency
        {{ money('paid_back.cost_amount') }} as cost_amount,
        {{ money('cast(paid_back.cost_amount as double) / nullif(won.new_customers, 0)') }} as cost_per_new_customer,
        {{ money('paid_back.contribution') }} as contribution,
        {{ money('case when won.is_first_year_complete then paid_back.first_year_contribution end') }}
            as first_year_contribution,
        won.expected_value,

        ---------- months until what they brought covered their cost
        paid_back.months_to_pay_back,

        ---------- booleans
        paid_back.months_to_pay_back is not null as has_paid_back,
        coalesce(won.is_first_year_complete, false) as is_first_year_complete,
        coalesce(paid_back.is_cost_assumed, false) as is_cost_assumed

    from months
    left join entered on months.acquisition_channel = entered.acquisition_channel and months.month = entered.month
    left join won on months.acquisition_channel = won.acquisition_channel and months.month = won.month
    left join paid_back
        on months.acquisition_channel = paid_back.acquisition_channel and months.month = paid_back.month

)

select * from acquisition
