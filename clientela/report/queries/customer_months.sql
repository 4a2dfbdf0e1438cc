select month, sum(net_revenue) as net_revenue, sum(contribution) as contribution
from value.customer_months
where customer_id = cast($customer_id as bigint)
group by month
qualify row_number() over (order by month desc) <= 37
order by month
