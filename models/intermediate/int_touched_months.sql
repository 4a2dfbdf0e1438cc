with

current_months as (

    select * from {{ ref('int_months_hashed') }}

),

months_before as (

    select * from {{ source('run', 'built_months') }}

),

of_customers as (

    select
        fact as input,
        month_number,
        count(distinct customer_id) as customers
    from {{ ref('int_touched_customers') }}
    group by fact, month_number

),

of_months as (

    select
        coalesce(current_months.input, months_before.input) as input,
        coalesce(current_months.month_number, months_before.month_number) as month_number,
        cast(null as bigint) as customers
    from current_months
    full outer join months_before
        on current_months.input = months_before.input and current_months.month_number = months_before.month_number
    where
        current_months.rows_hash is null
        or months_before.rows_hash is null
        or current_months.rows_hash <> months_before.rows_hash

),

touched as (

    select * from of_customers
    union all
    select * from of_months

),

compared as (

    select count(*) > 0 as has_build_before from months_before

),

touched_months as (

    select
        touched.month_number,
        case when compared.has_build_before then touched.input else 'everything' end as reason,
        max(touched.customers) as customers
    from touched
    cross join compared
    group by 1, 2

)

select * from touched_months
