{{ config(materialized="view") }}

with

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

customer_records as (

    select
        ---------- ids
        records.record_id as customer_record_id,
        crosswalk.customer_id,
        records.source,
        records.customer_key,

        ---------- evidence
        'one customer per source record' as rule,
        cast(null as double) as match_weight,

        ---------- booleans
        records.is_delivered,

        ---------- dates
        records.first_seen_on,
        records.last_seen_on

    from {{ ref('int_customer_records') }} as records
    inner join crosswalk on records.record_id = crosswalk.record_id

)

select * from customer_records
