with

offers as (

    {{ company_rows_or_default('offers', ['offer', 'approach', 'channel', 'unit_cost', 'rule']) }}

)

select * from offers
