with

delivered as (

    {{ current_version('products', is_state=true) }}

),

products as (

    select
        ---------- ids
        record_id as product_id,
        source,
        record_key as product_key,

        ---------- what it is
        product_name,
        category,
        department,
        brand,

        ---------- cost
        unit_cost,
        margin_rate

    from delivered

)

select * from products
