with

product_costs as (

    select * from {{ ref('int_product_costs') }}

),

sold as (

    select
        coalesce(product_id, 0) as product_id,
        min(source) as source,
        any_value(product_key) as product_key,
        count(*) as order_lines,
        min(ordered_on) as first_sold_on,
        max(ordered_on) as last_sold_on
    from {{ ref('int_order_lines') }}
    group by 1

),

products as (

    select
        ---------- ids
        coalesce(product_costs.product_id, sold.product_id) as product_id,
        case when sold.product_id = 0 then null else coalesce(product_costs.source, sold.source) end as source,
        coalesce(product_costs.product_key, sold.product_key) as product_key,

        ---------- what it is
        coalesce(product_costs.product_name, case when sold.product_id = 0 then 'no product stated' end)
            as product_name,
        product_costs.category,
        product_costs.department,
        product_costs.brand,

        ---------- cost
        {{ money('product_costs.unit_cost') }} as unit_cost,
        product_costs.margin_rate,

        ---------- counts
        coalesce(sold.order_lines, 0) as order_lines,

        ---------- booleans
        product_costs.product_id is not null as is_known,

        ---------- dates
        sold.first_sold_on,
        sold.last_sold_on

    from product_costs
    full outer join sold on product_costs.product_id = sold.product_id

)

select * from products
