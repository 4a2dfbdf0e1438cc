{{ config(materialized="view") }}

with

contracts as (

    select
        ---------- ids
        contract_id,
        customer_id,
        product_id,

        ---------- the source's own keys
        source,
        contract_key,
        customer_key,
        product_key,

        ---------- how it ended
        cancelled_by,
        cancel_reason,

        ---------- amounts, without tax
        recurring_amount,
        period_months,
        monthly_amount,
        currency,
        source_recurring_amount,

        ---------- booleans
        is_active,

        ---------- dates
        started_on,
        ends_on,
        cancelled_on

    from {{ ref('int_contracts_identified') }}

)

select * from contracts
