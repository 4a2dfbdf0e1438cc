{{ config(materialized="view") }}

with

context as (

    select * from {{ source('run', 'context') }}

),

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

contracts as (

    select * from {{ ref('stg_contracts') }}

),

identified as (

    select
        ---------- ids
        contracts.contract_id,
        coalesce(crosswalk.customer_id, 0) as customer_id,
        contracts.product_id,

        ---------- the source's own keys
        contracts.source,
        contracts.contract_key,
        contracts.customer_key,
        contracts.product_key,

        ---------- how it ended
        contracts.cancelled_by,
        contracts.cancel_reason,

        ---------- amounts, without tax
        {{ money('contracts.recurring_amount') }} as recurring_amount,
        contracts.period_months,
        contracts.term_months,
        {{ money('cast(contracts.recurring_amount as double) / coalesce(contracts.period_months, 1)') }}
            as monthly_amount,
        contracts.currency,
        {{ money('contracts.source_recurring_amount') }} as source_recurring_amount,

        ---------- booleans
        coalesce(coalesce(contracts.ends_on + 1, contracts.cancelled_on) > context.as_of_on, true) as is_active,

        ---------- dates
        contracts.started_on,
        contracts.ends_on,
        contracts.cancelled_on,
        contracts.renews_on,
        -- the first day on which it does not run: after its last one, or of the cancellation, where no last day is told
        coalesce(contracts.ends_on + 1, contracts.cancelled_on) as over_on

    from contracts
    left join crosswalk on contracts.customer_record_id = crosswalk.record_id
    cross join context

)

select * from identified
