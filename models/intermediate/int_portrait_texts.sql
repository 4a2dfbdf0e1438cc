{{ config(materialized="view") }}

with

settings as (

    select * from {{ source('run', 'timeline_settings') }}

),

-- The words of the portraits of segments, in the company's language.
portrait_texts as (

    select
        substr(texts.text_key, length('portrait.') + 1) as text_key,
        case when settings.language = 'es' then texts.es else texts.en end as text
    from {{ ref('stg_texts') }} as texts
    cross join settings
    where texts.text_key like 'portrait.%'

)

select * from portrait_texts
