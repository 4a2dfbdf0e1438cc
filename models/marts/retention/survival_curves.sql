with

survival_curves as (

    select
        ---------- ids
        basis,
        population,
        segmentation,
        segment,
        landmark_on,
        days,

        ---------- counts
        customers_at_risk,
        customers_lapsed,
        customers_censored,

        ---------- Kaplan-Meier
        survival,
        survival_low,
        survival_high

    from {{ ref('int_survival_curves') }}

)

select * from survival_curves
