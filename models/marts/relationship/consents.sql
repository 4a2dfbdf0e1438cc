{{ config(materialized="view") }}

with

held as (

    select * from {{ ref('int_consents_held') }}

),

consents as (

    select
        ---------- ids
        consent_id,
        customer_id,

        ---------- the source's own keys
        source,
        consent_key,
        customer_key,

        ---------- what was decided
        purpose,
        channel,
        status,

        ---------- counts
        word_number,

        ---------- booleans
        is_latest_word,
        valid_until_at is null as is_active,
        is_withdrawal,

        ---------- times
        decided_at,
        decided_on,
        valid_until_at,
        valid_until_on

    from held

)

select * from consents
