{{ config(materialized="view") }}

with

product_costs as (

    select
        product_id,
        unit_cost,
        margin_rate,
        margin_rule,
        is_margin_assumed
    from {{ ref('int_product_costs') }}

),

-- Always one row; as product 0, which no product is.
company_margin as (

    select
        cast(0 as bigint) as product_id,
        cast(null as decimal(18, 4)) as unit_cost,
        max(margin_rate) as margin_rate,
        case when max(margin_rate) is not null then 'company margin' end as margin_rule,
        bool_or(is_assumed) as is_margin_assumed
    from {{ ref('stg_margin_rates') }}
    where department = '' and category = ''

),

cost_basis as (

    select * from product_costs
    union all
    select * from company_margin

)

select * from cost_basis
