with

delivered as (

    {{ current_version('interactions') }}

),

dated as (

    select
        *,
        {{ local_date('opened_at') }} as opened_on,
        {{ local_date('first_answered_at') }} as first_answered_on,
        {{ local_date('resolved_at') }} as resolved_on
    from delivered

),

-- What is only known once the case is resolved is not known before.
interactions as (

    select
        ---------- ids
        record_id as interaction_id,
        customer_record_id,
        campaign_record_id as campaign_id,
        product_record_id as product_id,
        order_id,

        ---------- the source's own keys
        source,
        record_key as interaction_key,
        customer_key,
        campaign_key,
        product_key,
        order_key,

        ---------- what it was
        channel,
        direction,
        kind,
        case when coalesce(resolved_on <= {{ as_of() }}, true) then status end as status,
        case when coalesce(resolved_on <= {{ as_of() }}, true) then outcome end as outcome,
        agent,
        note,

        ---------- numbers
        amount,
        currency,
        source_amount,
        case when coalesce(resolved_on <= {{ as_of() }}, true) then satisfaction end as satisfaction,
        case when coalesce(resolved_on <= {{ as_of() }}, true) then minutes end as minutes,
        case when coalesce(resolved_on <= {{ as_of() }}, true) then reopened_count end as reopened_count,

        ---------- booleans
        coalesce(is_date_assumed, false) as is_date_assumed,

        ---------- times
        opened_at,
        opened_on,
        case when first_answered_on <= {{ as_of() }} then first_answered_at end as first_answered_at,
        case when resolved_on <= {{ as_of() }} then resolved_at end as resolved_at,
        {{ known_by_as_of('resolved_on') }} as resolved_on

    from dated

)

select * from interactions
where opened_on <= {{ as_of() }}
