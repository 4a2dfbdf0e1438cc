{{ config(materialized="view") }}

with

due as (

    select distinct
        as_of_on,
        run_id,
        horizon_months,
        annual_discount_rate,
        ends_on,
        is_frozen
    from {{ ref('int_predictions_come_due') }}

),

-- Where no cost is known at all, revenue stood for contribution when it was predicted.
costs as (

    select count(contribution) > 0 as are_known
    from {{ ref('int_order_days') }}

),

happened as (

    select
        customer_id,
        ordered_on as day,
        case when is_order then 1 else 0 end as orders,
        -cost_to_serve as contribution
    from {{ ref('int_purchase_days') }}
    union all
    select
        order_days.customer_id,
        order_days.ordered_on as day,
        0 as orders,
        cast(
            case when costs.are_known then coalesce(order_days.contribution, 0) else order_days.net_amount end as double
        ) as contribution
    from {{ ref('int_order_days') }} as order_days
    cross join costs
    where order_days.customer_id <> 0
    union all
    -- what falls due for a contract while it runs, where no order line bills it, is what was expected of it
    select
        customer_id,
        due_on as day,
        0 as orders,
        contribution
    from {{ ref('int_contract_dues') }}

),

outcomes as (

    select
        due.as_of_on,
        due.run_id,
        due.horizon_months,
        due.is_frozen,
        happened.customer_id,
        sum(happened.orders) as actual_orders,
        sum(
            happened.contribution
            * exp(
                -ln(1 + due.annual_discount_rate)
                * cast({{ days_from('due.as_of_on', 'happened.day') }} as double) / 365.25
            )
        ) as actual_value
    from due
    inner join happened on due.as_of_on < happened.day and due.ends_on >= happened.day
    group by due.as_of_on, due.run_id, due.horizon_months, due.is_frozen, happened.customer_id

)

select * from outcomes
