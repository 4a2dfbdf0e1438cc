-- Every order line finds its order, customer, product and day, and every customer stands in every mart of customers.
with

unmatched_lines as (

    select 'order line' as finding
    from {{ ref('order_lines') }} as order_lines
    left join {{ ref('customers') }} as customers on order_lines.customer_id = customers.customer_id
    left join {{ ref('products') }} as products on order_lines.product_id = products.product_id
    left join {{ ref('calendar') }} as calendar on order_lines.ordered_on = calendar.day
    where customers.customer_id is null or products.product_id is null or calendar.day is null

),

lost_lines as (

    select 'lost order line' as finding
    where (select count(*) from {{ ref('order_lines') }}) <> (select count(*) from {{ ref('int_order_lines') }})

),

unmatched_customers as (

    select 'customer ' || cast(customers.customer_id as string) as finding
    from {{ ref('customers') }} as customers
    left join {{ ref('customer_value') }} as customer_value on customers.customer_id = customer_value.customer_id
    left join {{ ref('customer_retention') }} as retention on customers.customer_id = retention.customer_id
    left join {{ ref('customer_segments') }} as segments on customers.customer_id = segments.customer_id
    left join {{ ref('customer_engagement') }} as engagement on customers.customer_id = engagement.customer_id
    where
        customer_value.customer_id is null
        or retention.customer_id is null
        or segments.customer_id is null
        or engagement.customer_id is null

)

select finding from unmatched_lines
union all
select finding from lost_lines
union all
select finding from unmatched_customers
