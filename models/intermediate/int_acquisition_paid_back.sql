with

customers_won as (

    select * from {{ ref('int_customers_won') }}
    where won_month is not null

),

-- What a channel's new customers of a month brought, by months since theirs began.
earned as (

    select
        customers_won.acquisition_channel,
        customers_won.won_month as month,
        1 + cast(
            floor(cast({{ days_from('customers_won.won_on', 'order_days.ordered_on') }} as double) / 30.4375) as bigint
        ) as months_since,
        sum(order_days.contribution) as contribution,
        sum(order_days.contribution) filter (
            where {{ days_from('customers_won.won_on', 'order_days.ordered_on') }} <= 364
        ) as first_year_contribution
    from customers_won
    inner join {{ ref('int_order_days') }} as order_days on customers_won.customer_id = order_days.customer_id
    where order_days.ordered_on >= customers_won.won_on
    group by all

),

cumulated as (

    select
        *,
        sum(contribution) over (
            partition by acquisition_channel, month
            order by months_since asc nulls last
            rows between unbounded preceding and current row
        ) as contribution_so_far
    from earned

),

costs as (

    select
        activity as acquisition_channel,
        month,
        -sum(amount) as cost_amount,
        bool_or(is_assumed) as is_cost_assumed
    from {{ ref('int_acquisitions_entered') }}
    group by activity, month

),

paid_back as (

    select
        cumulated.acquisition_channel,
        cumulated.month,
        sum(cumulated.contribution) as contribution,
        sum(cumulated.first_year_contribution) as first_year_contribution,
        min(case when cumulated.contribution_so_far >= costs.cost_amount then cumulated.months_since end)
            as months_to_pay_back
    from cumulated
    left join costs on cumulated.acquisition_channel = costs.acquisition_channel and cumulated.month = costs.month
    group by cumulated.acquisition_channel, cumulated.month

),

-- A month in which a channel cost something and won nobody is one too.
months as (

    select
        coalesce(paid_back.acquisition_channel, costs.acquisition_channel) as acquisition_channel,
        coalesce(paid_back.month, costs.month) as month,
        paid_back.contribution,
        paid_back.first_year_contribution,
        paid_back.months_to_pay_back,
        costs.cost_amount,
        coalesce(costs.is_cost_assumed, false) as is_cost_assumed
    from paid_back
    full join costs on paid_back.acquisition_channel = costs.acquisition_channel and paid_back.month = costs.month

)

select * from months
