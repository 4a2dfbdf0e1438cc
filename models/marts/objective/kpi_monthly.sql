with

months as (

    select
        month,
        bool_and(is_month_complete) as is_month_complete
    from {{ ref('int_customer_months') }}
    group by month

),

kpis as (

    select * from {{ ref('stg_kpis') }}

),

kpi_monthly as (

    select
        ---------- ids
        kpi_values.kpi,
        kpi_values.month,
        kpi_values.scope,
        kpi_values.segment,

        ---------- what it is
        kpis.unit,

        ---------- numbers
        kpi_values.numerator,
        kpi_values.denominator,
        kpi_values.value,
        kpi_values.no_value_reason,

        ---------- booleans
        coalesce(months.is_month_complete, true) as is_month_complete

    from {{ ref('int_kpi_values') }} as kpi_values
    inner join kpis on kpi_values.kpi = kpis.kpi
    left join months on kpi_values.month = months.month

)

select * from kpi_monthly
