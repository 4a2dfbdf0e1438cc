{{ config(materialized="view") }}

with

service_cases as (

    select * from {{ ref('service_cases') }}

),

kpi_service_cases as (

    select
        ---------- ids
        {{ month_of('service_cases.opened_on') }} as month,
        service_cases.customer_id,

        ---------- segments at the end and the start of the month in which it was opened
        {{ segments_of_months() }}
        service_cases.channel,

        ---------- what it was
        service_cases.kind,
        service_cases.hours_to_first_answer,
        service_cases.hours_to_resolution,
        service_cases.age_days,
        service_cases.reopened_count,
        service_cases.cost_amount,
        service_cases.satisfaction,

        ---------- booleans
        service_cases.is_open,
        service_cases.has_target,
        service_cases.is_within_target

    from service_cases
    {{ join_customer_months('service_cases', 'opened_on') }}

)

select * from kpi_service_cases
