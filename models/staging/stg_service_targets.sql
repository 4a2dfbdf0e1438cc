with

targets as (

    {{ company_rows_or_default('service_targets', ['kind', 'channel', 'first_answer_hours', 'resolution_hours']) }}

),

service_targets as (

    select
        coalesce(kind, '') as kind,
        coalesce(channel, '') as channel,
        first_answer_hours,
        resolution_hours
    from targets

)

select * from service_targets
