select * exclude (customer_id) from customer.customers where customer_id = cast($customer_id as bigint)
