{{ config(materialized="view") }}

with

withdrawals as (

    select * from {{ ref('int_consents_held') }}
    where is_withdrawal

),

-- Who asks to be forgotten takes back everything, for good.
erasures as (

    select
        crosswalk.customer_id,
        min(erasures.requested_on) as requested_on
    from {{ ref('stg_erasures') }} as erasures
    inner join {{ ref('int_customer_crosswalk') }} as crosswalk on erasures.customer_record_id = crosswalk.record_id
    group by crosswalk.customer_id

),

changes as (

    select
        customer_id,
        {{ month_number('decided_on') }} as month_number,
        'withdrawn_consents' as measure,
        1 as change
    from withdrawals
    union all
    select
        customer_id,
        {{ month_number('valid_until_on') }} as month_number,
        'withdrawn_consents' as measure,
        -1 as change
    from withdrawals
    where valid_until_on is not null
    union all
    select
        customer_id,
        {{ month_number('requested_on') }} as month_number,
        'withdrawn_consents' as measure,
        1 as change
    from erasures

)

select * from changes
