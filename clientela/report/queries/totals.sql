select
    sum(value.orders) as orders,
    sum(value.net_revenue) as net_revenue,
    sum(value.contribution) as contribution,
    sum(value.expected_value) as expected_value,
    sum(retention.expected_value_at_risk) as value_at_risk,
    count(*) filter (months.is_customer) as customers,
    count(*) filter (retention.state in ('slowing', 'at_risk')) as doubtful_customers,
    count(*) filter (retention.state in ('lapsed', 'cancelled')) as gone_customers,
    max(value.horizon_months) as horizon_months
from value.customer_value as value
left join value.customer_months as months on months.customer_id = value.customer_id and months.is_as_of and value.customer_id > 0
left join retention.customer_retention as retention
    on retention.customer_id = value.customer_id and value.customer_id > 0
