{#- What each mart of this area is made of beside customers and sales; tables are those that a company keeps itself. -#}
{%- set entities = {
    'consents': ['consents'],
    'contact_permissions': ['consents', 'erasures'],
    'campaigns': ['campaigns', 'campaign_contacts'],
    'campaign_contacts': ['campaigns', 'campaign_contacts'],
    'campaign_results': ['campaigns', 'campaign_contacts'],
    'campaign_uplift': ['campaigns', 'campaign_contacts'],
    'customer_uplift': ['campaigns', 'campaign_contacts'],
    'rewards': ['rewards'],
    'reward_balances': ['rewards'],
    'service_cases': ['interactions'],
    'service_levels': ['interactions'],
    'complaint_retention': ['interactions'],
    'sales_pipeline': ['interactions'],
    'customer_satisfaction': ['interactions'],
    'basic_service': ['interactions'],
    'customer_offers': ['products', 'consents'],
} -%}
{%- set tables = {
    'service_cases': ['service_targets'],
    'service_levels': ['service_targets'],
    'complaint_retention': ['service_targets'],
    'acquisition': ['acquisition_costs'],
    'portfolio_assignments': ['portfolios'],
    'portfolio_history': ['portfolios'],
    'portfolio_load': ['portfolios'],
    'customer_offers': ['offers'],
    'programmes': ['programmes'],
    'programme_results': ['programmes'],
} -%}

with

delivered as (

    select concat(', ', coalesce(entities_without_source, ''), ', ') as entities_without_source
    from {{ source('run', 'context') }}

),

tables as (

    select
        'service_targets' as input_name,
        count(*) as table_rows
    from {{ ref('stg_service_targets') }}
    union all
    select
        'acquisition_costs' as input_name,
        count(*) as table_rows
    from {{ ref('stg_acquisition_costs') }}
    union all
    select
        'portfolios' as input_name,
        count(*) as table_rows
    from {{ ref('stg_portfolios') }}
    union all
    select
        'offers' as input_name,
        count(*) as table_rows
    from {{ ref('stg_offers') }}
    union all
    select
        'programmes' as input_name,
        count(*) as table_rows
    from {{ ref('stg_programmes') }}

),

inputs as (

    {% for mart, names in entities.items() %}
        {% for name in names %}
            select
                '{{ mart }}' as mart_name,
                '{{ name }}' as input_name,
                entities_without_source like '%, {{ name }}, %' as is_missing
            from delivered
            union all
        {% endfor %}
    {% endfor %}
    {% for mart, names in tables.items() %}
        {% for name in names %}
            select
                '{{ mart }}' as mart_name,
                input_name,
                table_rows = 0 as is_missing
            from tables
            where input_name = '{{ name }}'
            {{ 'union all' if not (loop.last and mart == 'programme_results') }}
        {% endfor %}
    {% endfor %}

),

mart_inputs as (

    select
        ---------- ids
        mart_name,
        input_name,

        ---------- booleans
        is_missing,

        ---------- what is to be done
        case
            when is_missing and input_name in ('service_targets', 'acquisition_costs', 'programmes', 'offers')
                then concat('The reference table ', input_name, ' has no rows.')
            when is_missing then concat('No source delivers ', input_name, '.')
        end as missing_sentence

    from inputs

)

select * from mart_inputs
