select purpose, channel, is_permitted, is_contactable, basis, reason, decided_on
from relationship.contact_permissions
where customer_id = cast($customer_id as bigint)
order by purpose, channel
