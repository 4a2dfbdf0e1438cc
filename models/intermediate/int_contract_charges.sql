{#- A last charge may come so many days after the contract is over. -#}
{%- set days_after = 31 -%}
{{ config(materialized="view") }}

with

contracts as (

    select * from {{ ref('int_contracts_identified') }}
    where customer_id <> 0

),

order_lines as (

    select * from {{ ref('int_order_lines_identified') }}
    where customer_id <> 0

),

amounts as (

    select distinct
        contract_id,
        recurring_amount
    from {{ ref('int_contract_spells') }}
    where recurring_amount <> 0

),

-- A line of the contract's product while it runs. Where the source of the lines is another one, or the contract names
-- no product, a line of just its amount.
charged as (

    select order_lines.order_line_id
    from order_lines
    inner join contracts
        on
            order_lines.customer_id = contracts.customer_id
            and order_lines.product_id = contracts.product_id
            and order_lines.ordered_on >= contracts.started_on
            and order_lines.ordered_on < coalesce(contracts.over_on + {{ days_after }}, order_lines.ordered_on + 1)
    union
    select order_lines.order_line_id
    from order_lines
    inner join contracts
        on
            order_lines.customer_id = contracts.customer_id
            and (contracts.product_id is null or order_lines.source <> contracts.source)
            and order_lines.ordered_on >= contracts.started_on
            and order_lines.ordered_on < coalesce(contracts.over_on + {{ days_after }}, order_lines.ordered_on + 1)
    inner join amounts
        on contracts.contract_id = amounts.contract_id and abs(order_lines.net_amount) = amounts.recurring_amount

),

contract_charges as (

    select
        ---------- ids
        order_lines.order_line_id,
        order_lines.order_id,
        order_lines.customer_id,

        ---------- amounts, company currency, without tax
        order_lines.net_amount,
        order_lines.cost_amount,
        order_lines.contribution,

        ---------- booleans
        order_lines.is_return,

        ---------- dates
        order_lines.ordered_on

    from order_lines
    inner join charged on order_lines.order_line_id = charged.order_line_id

)

select * from contract_charges
