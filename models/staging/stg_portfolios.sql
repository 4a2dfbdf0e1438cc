with

portfolios as (

    {{ company_rows_or_default('portfolios', [
        'portfolio', 'manager', 'capacity', 'rule', 'capacity_hours', 'territories', 'languages', 'tiers', 'opened_on',
        'closed_on',
    ]) }}

)

select * from portfolios
