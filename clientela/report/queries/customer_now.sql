select current_customer_id, retired_on from customer.customer_ids where customer_id = cast($customer_id as bigint)
