with

context as (

    select * from {{ source('run', 'context') }}

),

customers as (

    select * from {{ ref('int_customers') }}

),

campaign_contacts as (

    select * from {{ ref('int_campaign_contacts_dated') }}

),

first_days as (

    select min(first_seen_on) as first_day from customers
    union all
    select min(contacted_on) as first_day from campaign_contacts
    union all
    select min(month) as first_day from {{ source('ledger', 'expired_amounts') }}
    where month <= {{ as_of() }}
    union all
    select as_of_on as first_day from context

),

reach as (

    select
        cast(date_trunc('year', min(first_days.first_day)) as date) as first_day,
        make_date(max(cast(extract(year from context.as_of_on) as int)), 12, 31) as last_day
    from first_days
    cross join context

),

days as (

    {{ each_day('(select first_day from reach)', '(select last_day from reach)') }}

),

-- 1 January 1900 was a Monday.
numbered as (

    select
        day,
        {{ days_from("cast('1900-01-01' as date)", 'day') }} % 7 + 1 as day_of_week
    from days

),

calendar as (

    select
        ---------- ids
        numbered.day,

        ---------- periods
        cast(numbered.day - (numbered.day_of_week - 1) * interval '1' day as date) as week,
        {{ month_of('numbered.day') }} as month,
        last_day(numbered.day) as month_end,
        cast(date_trunc('quarter', numbered.day) as date) as quarter,
        cast(extract(year from numbered.day) as int) as year,

        ---------- parts
        cast(extract(month from numbered.day) as int) as month_of_year,
        cast(extract(day from numbered.day) as int) as day_of_month,
        cast(numbered.day_of_week as int) as day_of_week,
        cast({{ days_from('numbered.day', 'context.as_of_on') }} as int) as days_before_as_of,

        ---------- booleans
        numbered.day_of_week >= 6 as is_weekend,
        numbered.day = last_day(numbered.day) as is_month_end,
        numbered.day > context.as_of_on as is_after_as_of

    from numbered
    cross join context

)

select * from calendar
