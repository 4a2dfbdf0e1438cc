with

delivered as (

    {{ current_version('contracts') }}

),

contracts as (

    select
        ---------- ids
        record_id as contract_id,
        customer_record_id,
        product_record_id as product_id,

        ---------- the source's own keys
        source,
        record_key as contract_key,
        customer_key,
        product_key,

        ---------- what was agreed
        recurring_amount,
        period_months,
        coalesce(term_months, period_months, 1) as term_months,
        currency,
        source_recurring_amount,

        ---------- how it ended; an end by a cancellation after the as-of day is not known yet
        case when coalesce(cancelled_on, ends_on) <= {{ as_of() }} then cancelled_by end as cancelled_by,
        case when coalesce(cancelled_on, ends_on) <= {{ as_of() }} then cancel_reason end as cancel_reason,

        ---------- dates
        started_on,
        case when coalesce(cancelled_on <= {{ as_of() }}, true) then ends_on end as ends_on,
        {{ known_by_as_of('cancelled_on') }} as cancelled_on,
        renews_on

    from delivered

)

select * from contracts
where started_on <= {{ as_of() }}
