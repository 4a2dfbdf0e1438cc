with

products as (

    select * from {{ ref('stg_products') }}

),

margin_rates as (

    select * from {{ ref('stg_margin_rates') }}

),

-- The reference table's key is (department, category), empty meaning any: each join below finds one row at most.
product_costs as (

    select
        ---------- ids
        products.product_id,
        products.source,
        products.product_key,

        ---------- what it is
        products.product_name,
        products.category,
        products.department,
        products.brand,

        ---------- cost
        products.unit_cost,
        coalesce(
            products.margin_rate,
            category_of_department.margin_rate,
            category.margin_rate,
            department.margin_rate
        ) as margin_rate,
        case
            when products.margin_rate is not null then 'product margin'
            when coalesce(category_of_department.margin_rate, category.margin_rate) is not null then 'category margin'
            when department.margin_rate is not null then 'department margin'
        end as margin_rule,

        ---------- booleans
        case
            when products.margin_rate is not null then false
            else coalesce(category_of_department.is_assumed, category.is_assumed, department.is_assumed, false)
        end as is_margin_assumed

    from products
    left join margin_rates as category_of_department
        on
            products.department = category_of_department.department
            and products.category = category_of_department.category
            and category_of_department.department <> ''
            and category_of_department.category <> ''
    left join margin_rates as category
        on products.category = category.category and category.category <> '' and category.department = ''
    left join margin_rates as department
        on products.department = department.department and department.department <> '' and department.category = ''

)

select * from product_costs
