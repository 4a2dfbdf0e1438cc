with

rates as (

    {{ company_rows_or_default('margin_rates', ['department', 'category', 'margin_rate', 'is_assumed']) }}

),

margin_rates as (

    select
        coalesce(department, '') as department,
        coalesce(category, '') as category,
        margin_rate,
        coalesce(is_assumed, false) as is_assumed
    from rates

)

select * from margin_rates
