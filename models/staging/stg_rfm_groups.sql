with

rfm_groups as (

    {{ company_rows_or_default('rfm_groups', [
        'rank', 'group_name', 'life_cycle_stage', 'recency_from', 'recency_to', 'frequency_from', 'frequency_to',
        'monetary_from', 'monetary_to', 'advice',
    ]) }}

)

select * from rfm_groups
