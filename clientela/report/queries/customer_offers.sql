select offer, kind, reason, channel, probability, expected_contribution, horizon_days
from relationship.customer_offers
where customer_id = cast($customer_id as bigint)
order by offer_rank
