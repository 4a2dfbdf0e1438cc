{{ config(materialized="view") }}

with

context as (

    select * from {{ source('run', 'context') }}

),

customers as (

    select
        customer_id,
        record_key as record_id
    from {{ ref('int_customers') }}
    where is_customer

),

golden_records as (

    select
        customer_id,
        region,
        city,
        country,
        language
    from {{ ref('int_golden_records_chosen') }}

),

labels as (

    select
        customer_id,
        measured_on,
        value_tier
    from {{ ref('int_customer_months_labelled') }}
    where is_as_of

),

contacts as (

    select
        interactions.customer_id,
        cast(sum(cast(interactions.minutes as double)) as double) / 60 as contact_hours
    from {{ ref('int_interactions_identified') }} as interactions
    cross join context
    where
        interactions.opened_on > cast(context.as_of_on - interval '12' month as date)
        and interactions.opened_on <= context.as_of_on
    group by interactions.customer_id

),

candidates as (

    select
        customers.customer_id,
        customers.record_id,
        golden_records.region,
        golden_records.city,
        golden_records.country,
        golden_records.language,
        labels.value_tier,
        contacts.contact_hours,
        labels.measured_on
    from customers
    inner join labels on customers.customer_id = labels.customer_id
    left join golden_records on customers.customer_id = golden_records.customer_id
    left join contacts on customers.customer_id = contacts.customer_id

)

select * from candidates
