{{ config(materialized="view") }}

with

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

decisions as (

    select
        crosswalk.customer_id,
        consents.consent_id,
        consents.purpose,
        coalesce(consents.channel, '') as channel,
        consents.status,
        consents.decided_at,
        consents.decided_on
    from {{ ref('stg_consents') }} as consents
    inner join crosswalk on consents.customer_record_id = crosswalk.record_id

),

-- A refusal takes back what was granted before; of who never granted anything it takes nothing.
judged as (

    select
        *,
        status = 'withdrawn'
        or status = 'refused' and max(case when status <> 'refused' then 1 else 0 end) over until_then = 1
            as is_withdrawn
    from decisions
    window
        until_then as (
            partition by customer_id, purpose, channel
            order by decided_at asc nulls last, status asc nulls last, consent_id asc nulls last
            rows between unbounded preceding and current row
        )

),

consents as (

    select
        customer_id,
        decided_on,
        is_withdrawn,
        lag(is_withdrawn) over (
            partition by customer_id, purpose, channel
            order by decided_at asc nulls last, status asc nulls last, consent_id asc nulls last
        ) as was_withdrawn
    from judged

),

-- Who asks to be forgotten takes back everything, for good.
erasures as (

    select
        crosswalk.customer_id,
        min(erasures.requested_on) as requested_on
    from {{ ref('stg_erasures') }} as erasures
    inner join crosswalk on erasures.customer_record_id = crosswalk.record_id
    group by crosswalk.customer_id

),

changes as (

    select
        customer_id,
        {{ month_number('decided_on') }} as month_number,
        'withdrawn_consents' as measure,
        case when is_withdrawn then 1 else -1 end as change
    from consents
    where is_withdrawn <> coalesce(was_withdrawn, false)
    union all
    select
        customer_id,
        {{ month_number('requested_on') }} as month_number,
        'withdrawn_consents' as measure,
        1 as change
    from erasures

)

select * from changes
