select source, customer_key, rule, match_weight, first_seen_on, last_seen_on
from customer.customer_records
where customer_id = cast($customer_id as bigint)
order by source, customer_key
