select
    month,
    sum(net_revenue) as net_revenue,
    sum(contribution) as contribution,
    sum(orders) as orders,
    count(*) filter (is_customer and customer_id > 0) as customers,
    count(*) filter (orders > 0 and customer_id > 0) as buyers,
    bool_and(is_month_complete) as is_complete,
    bool_or(is_assumed) as is_assumed
from value.customer_months
group by month
qualify row_number() over (order by month desc) <= 25
order by month
