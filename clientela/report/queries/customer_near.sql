select
    case when customer_id = cast($customer_id as bigint) then other_customer_id else customer_id end as near_customer_id,
    status, reason, match_weight
from quality.identity_links
where
    status <> 'linked' and customer_id <> other_customer_id
    and cast($customer_id as bigint) in (customer_id, other_customer_id)
order by match_weight desc nulls first, near_customer_id
limit 10
