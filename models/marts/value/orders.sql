with

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

orders as (

    select
        orders.*,
        coalesce(crosswalk.customer_id, 0) as customer_id
    from {{ ref('int_orders') }} as orders
    left join crosswalk on orders.customer_record_id = crosswalk.record_id

),

category_amounts as (

    select
        lines.order_id,
        products.category,
        sum(lines.net_amount) as net_amount
    from {{ ref('int_order_lines') }} as lines
    inner join {{ ref('int_product_costs') }} as products on lines.product_id = products.product_id
    where not lines.is_return and products.category is not null
    group by lines.order_id, products.category

),

categories_ranked as (

    select
        order_id,
        category as main_category,
        row_number() over (
            partition by order_id order by net_amount desc nulls last, category asc nulls last
        ) as sequence
    from category_amounts

),

main_categories as (

    select * from categories_ranked
    where sequence = 1

),

-- What came back on orders of its own, by the sale that it names.
returned as (

    select
        return_of_order_id as order_id,
        sum(net_amount) as return_amount
    from {{ ref('int_order_lines') }}
    where is_return and return_of_order_id <> order_id
    group by return_of_order_id

),

-- A customer's orders in their sequence; an order of returns only has no place in it, and nobody's orders have none.
numbered as (

    select
        order_id,
        row_number() over customer_orders as order_number,
        {{ days_from('lag(ordered_on) over customer_orders', 'ordered_on') }} as days_since_previous_order,
        lead(order_id) over customer_orders is null as is_last_order
    from orders
    where customer_id <> 0 and sale_line_count > 0
    window
        customer_orders as (
            partition by customer_id
            order by ordered_on asc nulls last, ordered_at asc nulls last, order_id asc nulls last
        )

),

described as (

    select
        ---------- ids
        orders.order_id,
        orders.customer_id,
        orders.return_of_order_id,
        orders.campaign_id,

        ---------- the source's own keys
        orders.source,
        orders.order_key,
        orders.campaign_key,

        ---------- where
        orders.channel,
        orders.store_key,
        orders.status,
        orders.currency,
        main_categories.main_category,
        case
            when orders.promised_on is null then 'not promised'
            when orders.delivered_on <= orders.promised_on then 'on time'
            when orders.delivered_on is not null or orders.promised_on < {{ as_of() }} then 'late'
            else 'open'
        end as delivery,

        ---------- counts
        orders.order_lines,
        cast(orders.items as decimal(18, 6)) as items,
        numbered.order_number,
        cast(numbered.days_since_previous_order as bigint) as days_since_previous_order,

        ---------- amounts, company currency, without tax
        orders.gross_amount as gross_sales_amount,
        orders.discount_amount as sales_discount_amount,
        orders.return_amount,
        orders.net_amount,
        orders.tax_amount,
        orders.shipping_amount,
        orders.fee_amount,
        orders.cost_amount,
        orders.contribution,
        orders.net_amount_without_cost,
        case
            when orders.gross_amount > orders.discount_amount
                then
                    cast(-orders.return_amount - coalesce(returned.return_amount, 0) as double)
                    / cast(orders.gross_amount - orders.discount_amount as double)
        end as returned_amount_share,

        ---------- booleans
        orders.sale_line_count = 0 as is_return,
        coalesce(numbered.order_number = 1, false) as is_first_order,
        coalesce(numbered.is_last_order, false) as is_last_order,
        orders.is_cost_assumed,
        orders.has_several_customers,

        ---------- times
        orders.ordered_at,
        orders.ordered_on,
        orders.last_line_on,
        orders.promised_on,
        orders.delivered_on

    from orders
    left join main_categories on orders.order_id = main_categories.order_id
    left join returned on orders.order_id = returned.order_id
    left join numbered on orders.order_id = numbered.order_id

)

select * from described
