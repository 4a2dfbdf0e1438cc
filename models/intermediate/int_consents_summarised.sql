{{ config(materialized="view") }}

with

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

consents as (

    select
        crosswalk.customer_id,
        consents.*
    from {{ ref('stg_consents') }} as consents
    inner join crosswalk on consents.customer_record_id = crosswalk.record_id

),

-- The latest decision about each purpose and channel; of two at one instant the one that allows less.
active_consents as (

    select *
    from consents
    qualify
        row_number() over (
            partition by customer_id, purpose, coalesce(channel, '')
            order by decided_at desc nulls last, status desc nulls last, consent_id asc nulls last
        ) = 1

),

summaries as (

    select
        customer_id,
        max(status) filter (where purpose = 'relationship' and channel is null) as relationship_consent,
        {{ text_list("case when status = 'granted' then purpose || coalesce(' by ' || channel, '') end") }}
            as granted_purposes,
        max(decided_on) as last_consent_on
    from active_consents
    group by customer_id

)

select * from summaries
