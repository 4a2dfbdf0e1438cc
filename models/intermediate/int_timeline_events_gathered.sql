{{ config(materialized="view") }}

-- noqa: disable=AM04
with

events as (

    select * from {{ ref('int_timeline_of_trade') }}
    union all
    select * from {{ ref('int_timeline_of_contacts') }}
    union all
    select * from {{ ref('int_timeline_of_agreements') }}

)

select * from events
