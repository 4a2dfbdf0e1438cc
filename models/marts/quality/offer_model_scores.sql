with

scores as (

    select * from {{ ref('int_offers_proposed') }}
    where row_type <> 'offer'

),

offer_model_scores as (

    select
        ---------- ids
        row_type,
        kind,
        candidate,
        cast(tenth as int) as tenth,
        origin_on,
        cast(horizon_days as int) as horizon_days,

        ---------- how many
        customers,

        ---------- how good that is
        hit_rate,
        ndcg,
        ndcg_difference,
        ndcg_difference_low,

        ---------- what was foretold and what came
        mean_probability,
        bought_share,

        ---------- booleans
        is_published,
        is_in_use,

        ---------- what stands in the way
        limitation

    from scores

)

select * from offer_model_scores
