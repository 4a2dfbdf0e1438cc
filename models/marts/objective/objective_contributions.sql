with

moved as (

    select * from {{ ref('int_objectives_followed') }}
    where row_type = 'contribution'

),

objective_contributions as (

    select
        ---------- ids
        objective,
        month,
        scope,
        segment,

        ---------- numbers
        contribution as change

    from moved

)

select * from objective_contributions
