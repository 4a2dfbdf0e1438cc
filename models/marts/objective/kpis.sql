with

kpis as (

    select * from {{ ref('stg_kpis') }}

),

described as (

    select
        ---------- ids
        kpi,

        ---------- what it is
        definition,
        unit,
        is_higher_better,

        ---------- how it is computed
        aggregation,
        mart,
        numerator,
        denominator,
        scopes,
        coalesce(segments_at, 'end') as segments_at,
        needs,

        ---------- booleans
        is_shipped

    from kpis

)

select * from described
