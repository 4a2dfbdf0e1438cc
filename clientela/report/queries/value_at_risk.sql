select
    retention.customer_id, retention.state, retention.main_reason, retention.days_since_last_activity,
    retention.expected_days_between_orders, retention.churn_probability, retention.expected_contribution,
    retention.expected_value_at_risk, segments.value_tier, segments.rfm_group,
    coalesce(
        customers.full_name, nullif(concat_ws(' ', customers.given_name, customers.family_name), ''),
        customers.company_name
    ) as name,
    sum(retention.expected_value_at_risk) over () as total_value_at_risk,
    avg(retention.churn_probability) over () as mean_churn_probability,
    count(*) over () as total_customers
from retention.customer_retention as retention
left join segment.customer_segments as segments using (customer_id)
left join customer.customers as customers using (customer_id)
where retention.customer_id > 0 and retention.expected_value_at_risk > 0
order by retention.expected_value_at_risk desc, retention.customer_id
limit 20
