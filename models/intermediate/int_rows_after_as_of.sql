{{ config(materialized="view") }}

with

-- A contact that has no day of its own, and whose campaign has none by the as-of day, is in no model either.
contacts as (

    select
        source,
        1 as later_rows
    from {{ ref('stg_campaign_contacts') }}
    union all
    select
        source,
        -1 as later_rows
    from {{ ref('int_campaign_contacts_dated') }}
    where source <> 'clientela'

),

left_out as (

    select
        source,
        entity,
        later_rows
    from {{ ref('stg_rows_after_as_of') }}
    union all
    select
        source,
        'campaign_contacts' as entity,
        later_rows
    from contacts

),

summed as (

    select
        source,
        entity,
        cast(sum(later_rows) as bigint) as later_rows
    from left_out
    group by source, entity

)

select * from summed
