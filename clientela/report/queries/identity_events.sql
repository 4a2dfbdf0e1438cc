select event, count(*) as events, sum(record_count) as records, list(customer_id order by customer_id)[:10] as customer_ids
from quality.identity_events
where run_id = (select run_id from operations.publication) and customer_id > 0
group by event
