{{ config(materialized="view") }}

with

contracts as (

    select * from {{ ref('int_contracts_identified') }}
    where customer_id <> 0

),

product_costs as (

    select * from {{ ref('int_cost_basis') }}
    where product_id <> 0

),

company_margin as (

    select * from {{ ref('int_cost_basis') }}
    where product_id = 0

),

links as (

    select * from {{ ref('int_contract_links') }}

),

spells as (

    select * from {{ ref('int_contract_spells') }}
    where is_last

),

-- The rules of order lines, as far as a contract has what they need.
ruled as (

    select
        contracts.contract_id,
        contracts.customer_id,
        contracts.product_id,
        contracts.product_key,
        contracts.source,
        contracts.term_months,
        contracts.started_on,
        contracts.ends_on,
        contracts.cancelled_on,
        contracts.renews_on,
        -- what held last; of a contract that never ran there is no spell
        coalesce(spells.recurring_amount, contracts.recurring_amount) as recurring_amount,
        coalesce(spells.period_months, contracts.period_months, 1) as period_months,
        spells.paused_on,
        spells.resumed_on,
        links.first_started_on,
        links.renewed_on,
        product_costs.unit_cost,
        coalesce(product_costs.margin_rate, company_margin.margin_rate) as margin_rate,
        case
            when product_costs.margin_rule is not null then product_costs.is_margin_assumed
            else company_margin.is_margin_assumed
        end as is_margin_assumed,
        case
            when product_costs.unit_cost is not null then 'product unit cost'
            when product_costs.margin_rule is not null then product_costs.margin_rule
            when company_margin.margin_rate is not null then 'company margin'
            else 'missing'
        end as cost_rule
    from contracts
    inner join links on contracts.contract_id = links.contract_id
    left join spells on contracts.contract_id = spells.contract_id
    left join product_costs on contracts.product_id = product_costs.product_id
    cross join company_margin

),

terms as (

    select
        ---------- ids
        contract_id,
        customer_id,
        product_id,
        product_key as product,
        source,

        ---------- what one payment brings; company currency, without tax
        recurring_amount,
        {{ money("""case
            when unit_cost is not null then recurring_amount - unit_cost
            else """ ~ times("recurring_amount", "margin_rate") ~ """
        end""") }} as contribution,

        ---------- rules
        cost_rule,

        ---------- numbers
        period_months,
        term_months,

        ---------- booleans
        cost_rule not in ('product unit cost', 'missing') and coalesce(is_margin_assumed, false) as is_cost_assumed,

        ---------- dates
        started_on,
        ends_on,
        cancelled_on,
        renews_on,
        first_started_on,
        renewed_on,
        paused_on,
        resumed_on

    from ruled

)

select * from terms
