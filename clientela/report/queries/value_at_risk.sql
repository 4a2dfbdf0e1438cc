with

customers_at_risk as (

    select
        retention.*,
        sum(expected_value_at_risk) over () as total_value_at_risk,
        avg(churn_probability) filter (state not in ('lapsed', 'cancelled')) over () as mean_churn_probability,
        count(*) filter (expected_value_at_risk > 0) over () as total_customers
    from retention.customer_retention as retention
    where customer_id > 0

)

select
    at_risk.customer_id, at_risk.state, at_risk.main_reason, at_risk.days_since_last_activity,
    at_risk.expected_days_between_orders, at_risk.churn_probability, at_risk.churn_model, at_risk.churn_horizon_months, value.expected_value,
    at_risk.expected_value_at_risk, at_risk.total_value_at_risk, at_risk.mean_churn_probability, at_risk.total_customers,
    coalesce(
        customers.full_name, nullif(concat_ws(' ', customers.given_name, customers.family_name), ''),
        customers.company_name
    ) as name
from customers_at_risk as at_risk
left join customer.customers as customers using (customer_id)
left join value.customer_value as value using (customer_id)
where at_risk.expected_value_at_risk > 0
order by at_risk.expected_value_at_risk desc, at_risk.customer_id
limit 20
