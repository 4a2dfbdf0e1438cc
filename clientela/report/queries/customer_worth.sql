select * from value.customer_value where customer_id = cast($customer_id as bigint)
