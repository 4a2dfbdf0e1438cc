with

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

erasures as (

    select
        crosswalk.customer_id,
        min(erasures.requested_at) as requested_at,
        min(erasures.requested_on) as requested_on
    from {{ ref('stg_erasures') }} as erasures
    inner join crosswalk on erasures.customer_record_id = crosswalk.record_id
    group by crosswalk.customer_id

),

-- A customer's words in order. Of several of one instant the one that allows less is the last.
words as (

    select
        consents.consent_id,
        crosswalk.customer_id,
        consents.source,
        consents.consent_key,
        consents.customer_key,
        consents.purpose,
        consents.channel,
        consents.status,
        consents.decided_at,
        consents.decided_on,
        row_number() over (
            partition by crosswalk.customer_id
            order by
                consents.decided_at asc nulls last,
                case consents.status when 'granted' then 1 when 'refused' then 2 else 3 end asc nulls last,
                consents.consent_id asc nulls last
        ) as word_number
    from {{ ref('stg_consents') }} as consents
    inner join crosswalk on consents.customer_record_id = crosswalk.record_id

),

-- A word holds until a later one speaks of all that it speaks of.
overruled as (

    select
        words.consent_id,
        min(later_words.decided_at) as overruled_at,
        min(later_words.decided_on) as overruled_on
    from words
    inner join words as later_words
        on
            words.customer_id = later_words.customer_id
            and words.word_number < later_words.word_number
            and {{ covers('later_words', 'words') }}
    group by words.consent_id

),

-- A refusal takes back what was granted before; of who never granted anything like it, it takes nothing.
refusals_of_something_granted as (

    select distinct refusals.consent_id
    from words as refusals
    inner join words as earlier_words
        on
            refusals.customer_id = earlier_words.customer_id
            and refusals.word_number > earlier_words.word_number
            and earlier_words.status <> 'refused'
            and ({{ covers('earlier_words', 'refusals') }} or {{ covers('refusals', 'earlier_words') }})
    where refusals.status = 'refused'

),

-- Who asks to be forgotten ends everything, for good: what is granted later holds for no time at all.
consents_held as (

    select
        words.*,
        overruled.overruled_at is null as is_latest_word,
        words.status = 'withdrawn' or refusals_of_something_granted.consent_id is not null as is_withdrawal,
        least(
            overruled.overruled_at,
            case when erasures.requested_at is not null then greatest(words.decided_at, erasures.requested_at) end
        ) as valid_until_at,
        least(
            overruled.overruled_on,
            case when erasures.requested_on is not null then greatest(words.decided_on, erasures.requested_on) end
        ) as valid_until_on
    from words
    left join overruled on words.consent_id = overruled.consent_id
    left join refusals_of_something_granted on words.consent_id = refusals_of_something_granted.consent_id
    left join erasures on words.customer_id = erasures.customer_id

)

select * from consents_held
