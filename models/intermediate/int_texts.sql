{{ config(materialized="view") }}

with

settings as (

    select * from {{ source('run', 'timeline_settings') }}

),

-- Sentences, and the words that stand in them, in the company's language; the area is where they are used.
texts as (

    select
        split_part(delivered.text_key, '.', 1) as area,
        substr(delivered.text_key, length(split_part(delivered.text_key, '.', 1)) + 2) as text_key,
        case when settings.language = 'es' then delivered.es else delivered.en end as text
    from {{ ref('stg_texts') }} as delivered
    cross join settings

)

select * from texts
