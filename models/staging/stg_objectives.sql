with

objectives as (

    {{ company_rows_or_default('objectives', [
        'objective', 'area', 'kpi', 'scope', 'segment', 'baseline', 'target', 'target_kind', 'months', 'started_on', 'due_on',
        'owner',
    ]) }}

)

select * from objectives
