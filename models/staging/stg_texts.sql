with

texts as (

    select
        key as text_key,
        es,
        en
    from {{ ref('texts') }}

)

select * from texts
