with

totals as (

    select
        sum(expected_value_at_risk) as total_value_at_risk,
        avg(churn_probability) filter (state not in ('lapsed', 'cancelled')) as mean_churn_probability,
        count(*) filter (expected_value_at_risk > 0) as total_customers
    from retention.customer_retention
    where customer_id > 0

),

most_at_risk as (

    select *
    from retention.customer_retention
    where customer_id > 0 and expected_value_at_risk > 0
    order by expected_value_at_risk desc, customer_id
    limit 20

)

select
    at_risk.customer_id, at_risk.state, at_risk.main_reason, at_risk.days_since_last_activity,
    at_risk.expected_days_between_orders, at_risk.churn_probability, at_risk.churn_model, at_risk.churn_horizon_months, value.expected_value,
    at_risk.expected_value_at_risk, totals.total_value_at_risk, totals.mean_churn_probability, totals.total_customers,
    coalesce(
        customers.full_name, nullif(concat_ws(' ', customers.given_name, customers.family_name), ''),
        customers.company_name
    ) as name
from most_at_risk as at_risk
cross join totals
left join customer.customers as customers on at_risk.customer_id = customers.customer_id
left join value.customer_value as value on at_risk.customer_id = value.customer_id
order by at_risk.expected_value_at_risk desc, at_risk.customer_id
