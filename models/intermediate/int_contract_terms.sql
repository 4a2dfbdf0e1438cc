{{ config(materialized="view") }}

with

contracts as (

    select * from {{ ref('int_contracts_identified') }}
    where customer_id <> 0

),

product_costs as (

    select * from {{ ref('int_product_costs') }}

),

-- Always one row, so that the join below keeps every contract.
company_margin as (

    select max(margin_rate) as margin_rate
    from {{ ref('stg_margin_rates') }}
    where department = '' and category = ''

),

-- What one payment brings: by the rules of order lines, as far as a contract has what they need.
terms as (

    select
        ---------- ids
        contracts.contract_id,
        contracts.customer_id,
        contracts.product_id,

        ---------- amounts, company currency, without tax
        contracts.recurring_amount,
        {{ money("""case
            when product_costs.unit_cost is not null then contracts.recurring_amount - product_costs.unit_cost
            else """ ~ times("contracts.recurring_amount", "coalesce(product_costs.margin_rate, company_margin.margin_rate)") ~ """
        end""") }} as contribution,

        ---------- numbers
        coalesce(contracts.period_months, 1) as period_months,

        ---------- dates
        contracts.started_on,
        contracts.ends_on,
        contracts.cancelled_on

    from contracts
    left join product_costs on contracts.product_id = product_costs.product_id
    cross join company_margin

)

select * from terms
