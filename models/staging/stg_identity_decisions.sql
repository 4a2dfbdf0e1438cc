with

decisions as (

    {{ company_rows_or_default('identity_decisions', [
        'first_source', 'first_key', 'second_source', 'second_key', 'decision', 'note', 'decided_on',
    ]) }}

),

identity_decisions as (

    select
        {{ surrogate_key(['first_source', 'first_key']) }} as record_id,
        {{ surrogate_key(['second_source', 'second_key']) }} as other_record_id,
        lower(decision) as decision,
        note,
        decided_on
    from decisions

)

select * from identity_decisions
