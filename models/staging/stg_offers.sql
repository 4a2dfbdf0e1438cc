with

offers as (

    {{ company_rows_or_default('offers', [
        'offer', 'approach', 'channel', 'unit_cost', 'rule', 'product_key', 'category', 'margin_rate', 'valid_from',
        'valid_until',
    ]) }}

)

select * from offers
