select happened_on, event_kind, sentence, source, is_date_assumed, count(*) over () as events
from customer.customer_timeline
where customer_id = cast($customer_id as bigint)
order by happened_at desc, event_number desc
limit 60
