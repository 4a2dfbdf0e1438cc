with

kpis as (

    {{ company_rows_and_default('kpis', 'kpi', [
        'kpi', 'definition', 'unit', 'is_higher_better', 'aggregation', 'mart', 'numerator', 'denominator', 'scopes',
        'segments_at', 'needs',
    ]) }}

)

select * from kpis
