{{ config(materialized="view") }}

with

identity_placeholders as (

    select
        field,
        value,
        -- what many people share may still be somebody's; words, fillers and default dates are nobody's
        case
            when
                reason in (
                    'a word for nothing', 'a filler number', 'listed by the company', 'a date that systems fill in'
                )
                then value
        end as placeholder_value,
        reason,
        cast(record_count as bigint) as record_count,
        cast(people_count as bigint) as people_count
    from {{ left_by(ref('int_customers_assigned'), source('identity', 'placeholders')) }}

)

select * from identity_placeholders
