{{ config(materialized="view") }}

with

context as (

    select * from {{ source('run', 'context') }}

),

-- A permission that begins or ends counts from there on.
permission_changes as (

    select
        customer_id,
        'begins' as what,
        valid_from_on as changes_on
    from {{ ref('int_permission_spells') }}
    union all
    select
        customer_id,
        'ends' as what,
        valid_until_on as changes_on
    from {{ ref('int_permission_spells') }}
    where valid_until_on is not null

),

-- Of what stands beside all months, the month is 0: it is before them.
rows_read as (

    select
        'customer states' as input,
        {{ month_number('measured_on') }} as month_number,
        {{ row_hash([
            'customer_id', 'measured_on', 'state', 'expected_days_between_orders', 'stddev_days_between_orders',
            'recency_ratio', 'recency_zscore', 'lapses_after_days', 'lapsed_on', 'returned_on', 'cancelled_by',
        ]) }} as row_hash
    from {{ ref('int_customer_states') }}
    union all
    select
        'forecasts' as input,
        {{ month_number('month_end') }} as month_number,
        {{ row_hash(['customer_id', 'month_end', 'p_alive', 'expected_value']) }} as row_hash
    from {{ ref('int_customer_forecasts') }}
    union all
    select
        'ledger' as input,
        {{ month_number('month') }} as month_number,
        {{ row_hash(['customer_id', 'component', 'amount']) }} as row_hash
    from {{ ref('value_ledger') }}
    union all
    select distinct
        'known costs' as input,
        0 as month_number,
        {{ row_hash(['component']) }} as row_hash
    from {{ ref('value_ledger') }}
    where rule <> 'missing' and source <> 'none'
    union all
    select
        'permissions' as input,
        coalesce({{ month_number('changes_on') }}, 0) as month_number,
        {{ row_hash(['customer_id', 'what', 'changes_on']) }} as row_hash
    from permission_changes
    union all
    select
        'permissions' as input,
        0 as month_number,
        {{ row_hash(['count(*) > 0']) }} as row_hash
    from {{ ref('int_consents_held') }}
    union all
    select
        'permissions' as input,
        0 as month_number,
        {{ row_hash(['purpose', 'channel', 'is_granted_by_default']) }} as row_hash
    from {{ ref('int_permission_terms') }}
    union all
    select
        'reference tables' as input,
        0 as month_number,
        {{ row_hash(['part', 'weight', 'full_at']) }} as row_hash
    from {{ ref('stg_engagement_weights') }}
    union all
    select
        'reference tables' as input,
        0 as month_number,
        {{ row_hash([
            'rfm_score', 'recency_score', 'frequency_score', 'monetary_score', 'life_cycle_stage', 'group_name',
        ]) }} as row_hash
    from {{ ref('int_rfm_scores_named') }}
    union all
    select
        'reference tables' as input,
        0 as month_number,
        {{ row_hash([
            'kpi', 'definition', 'unit', 'is_higher_better', 'aggregation', 'mart', 'numerator', 'denominator', 'scopes',
            'segments_at', 'needs',
        ]) }} as row_hash
    from {{ ref('stg_kpis') }}
    union all
    select distinct
        'delivered entities' as input,
        0 as month_number,
        {{ row_hash(['entity']) }} as row_hash
    from {{ source('ledger', 'source_state') }}
    where loaded_rows > 0

),

-- The month that was open then may be closed now, or have more days; so may all since.
months as (

    select
        input,
        month_number,
        sum(row_hash) as rows_hash
    from rows_read
    group by input, month_number
    union all
    select
        'the day' as input,
        {{ month_number('as_of_on') }} as month_number,
        {{ row_hash(['as_of_on', 'run_id']) }} as rows_hash
    from context

)

select * from months
