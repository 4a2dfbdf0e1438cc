{{ config(materialized="view") }}

with

calendar as (

    select
        ---------- ids
        day,

        ---------- periods
        week,
        month,
        month_end,
        quarter,
        year,

        ---------- parts
        month_of_year,
        day_of_month,
        day_of_week,
        days_before_as_of,

        ---------- booleans
        is_weekend,
        is_month_end,
        is_after_as_of

    from {{ ref('int_calendar') }}

)

select * from calendar
