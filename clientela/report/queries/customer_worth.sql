select value.*, customers.first_ordered_on, customers.last_ordered_on, retention.p_alive
from value.customer_value as value
inner join customer.customers as customers on value.customer_id = customers.customer_id
left join retention.customer_retention as retention on value.customer_id = retention.customer_id
where value.customer_id = cast($customer_id as bigint)
