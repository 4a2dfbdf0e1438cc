{{ config(materialized="view") }}

with

settings as (

    select * from {{ source('run', 'timeline_settings') }}

),

-- The sentences of the timeline, and the words that stand in them, in the company's language.
timeline_texts as (

    select
        substr(texts.text_key, length('timeline.') + 1) as text_key,
        case when settings.language = 'es' then texts.es else texts.en end as text
    from {{ ref('stg_texts') }} as texts
    cross join settings
    where texts.text_key like 'timeline.%'

)

select * from timeline_texts
