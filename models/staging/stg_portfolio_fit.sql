with

portfolio_fit as (

    {{ company_rows_or_default('portfolio_fit', ['portfolio', 'value_tier', 'fit']) }}

)

select * from portfolio_fit
