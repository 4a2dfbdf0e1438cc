{{ config(materialized="view") }}

with

terms as (

    select * from {{ ref('int_permission_terms') }}

),

customers as (

    select
        customer_id,
        erasure_requested_on
    from {{ ref('int_customers') }}
    where customer_id <> 0

),

words_spoken as (

    select
        words.customer_id,
        terms.purpose,
        terms.channel,
        words.consent_id,
        words.status,
        words.decided_on,
        row_number() over (
            partition by words.customer_id, terms.purpose, terms.channel order by words.word_number desc nulls last
        ) as sequence
    from {{ ref('int_consents_held') }} as words
    inner join terms on {{ covers('words', 'terms') }}
    where words.is_latest_word

),

-- The last word that speaks of a purpose and a channel.
last_words as (

    select * from words_spoken
    where sequence = 1

),

permissions as (

    select
        customers.customer_id,
        terms.purpose,
        terms.channel,
        last_words.consent_id,
        last_words.status,
        last_words.decided_on,
        terms.is_granted_by_default,
        case
            when customers.erasure_requested_on is not null then null
            when terms.purpose = 'transactional' then 'transactional'
            when last_words.status = 'granted' then 'consent'
            when last_words.status is null and terms.is_granted_by_default then 'default'
        end as basis,
        case
            when customers.erasure_requested_on is not null then 'erasure requested'
            when terms.purpose = 'transactional' then null
            when last_words.status in ('refused', 'withdrawn') then last_words.status
            when last_words.status is null and not terms.is_granted_by_default then 'never asked'
        end as withheld_reason
    from customers
    cross join terms
    left join last_words
        on
            customers.customer_id = last_words.customer_id
            and terms.purpose = last_words.purpose
            and terms.channel = last_words.channel

)

select * from permissions
