{{ config(materialized="view") }}

with

terms as (

    select * from {{ ref('int_permission_terms') }}
    where purpose <> 'transactional'

),

-- Each word on each purpose and channel that it speaks of, and the day of the next that does.
words as (

    select
        words.customer_id,
        terms.purpose,
        terms.channel,
        terms.is_granted_by_default,
        words.status,
        words.decided_on,
        row_number() over by_word as word_in_term,
        lead(words.decided_on) over by_word as next_decided_on
    from {{ ref('int_consents_held') }} as words
    inner join terms on {{ covers('words', 'terms') }}
    window by_word as (
        partition by words.customer_id, terms.purpose, terms.channel order by words.word_number asc nulls last
    )

),

first_words as (

    select
        customer_id,
        purpose,
        channel,
        decided_on
    from words
    where word_in_term = 1

),

customers_asked as (

    select distinct customer_id
    from words

),

-- Until a customer spoke of it, the default of a purpose and channel held; of who never spoke, any default is enough.
spells as (

    select
        customer_id,
        decided_on as valid_from_on,
        next_decided_on as valid_until_on
    from words
    where status = 'granted'
    union all
    select
        customers_asked.customer_id,
        cast(null as date) as valid_from_on,
        first_words.decided_on as valid_until_on
    from customers_asked
    inner join terms on terms.is_granted_by_default
    left join first_words
        on
            customers_asked.customer_id = first_words.customer_id
            and terms.purpose = first_words.purpose
            and terms.channel = first_words.channel
    union all
    select
        customer_id,
        cast(null as date) as valid_from_on,
        cast(null as date) as valid_until_on
    from {{ ref('int_customers') }}
    where
        customer_id not in (select customers_asked.customer_id from customers_asked)
        and (select bool_or(terms.is_granted_by_default) from terms)

),

-- Who asks to be forgotten ends them all.
permission_spells as (

    select
        spells.customer_id,
        spells.valid_from_on,
        least(spells.valid_until_on, customers.erasure_requested_on) as valid_until_on
    from spells
    inner join {{ ref('int_customers') }} as customers on spells.customer_id = customers.customer_id
    where spells.customer_id <> 0

)

select * from permission_spells
