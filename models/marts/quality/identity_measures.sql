{{ config(materialized="view") }}

with

ranges as (

    select
        measure,
        minimum,
        maximum
    from {{ source('run', 'identity_ranges') }}

),

identity_measures as (

    select
        measures.measure,
        measures.part as breakdown,
        measures.value,
        ranges.minimum as expected_from,
        ranges.maximum as expected_to,
        coalesce(measures.value < ranges.minimum or measures.value > ranges.maximum, false) as is_out_of_range
    from {{ left_by(ref('int_customers_assigned'), source('identity', 'measures')) }} as measures
    left join ranges on measures.measure = ranges.measure

)

select * from identity_measures
