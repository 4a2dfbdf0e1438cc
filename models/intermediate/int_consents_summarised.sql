{{ config(materialized="view") }}

with

consents as (

    select * from {{ ref('int_consents_held') }}

),

summaries as (

    select
        customer_id,
        max(case when is_latest_word and purpose = 'relationship' and channel is null then status end)
            as relationship_consent,
        {{ text_list(
            "case when is_latest_word and status = 'granted' then purpose || coalesce(' by ' || channel, '') end"
        ) }} as granted_purposes,
        max(decided_on) as last_consent_on
    from consents
    group by customer_id

)

select * from summaries
