with

ranked as (

    select
        realised_value,
        lead(realised_value) over by_value as next_value,
        row_number() over by_value as rank,
        sum(realised_value) over by_value as value_so_far,
        count(*) over () as customers,
        sum(realised_value) over () as total_value
    from value.customer_value
    where customer_id > 0 and realised_value <> 0
    window by_value as (order by realised_value desc, customer_id rows unbounded preceding)

)

-- a hundred points draw the curve; who is worth most, who least, and the last who has cost nothing are among them
select rank, customers, value_so_far, total_value, realised_value
from ranked
where
    rank = 1
    or rank = customers
    or (realised_value > 0 and next_value < 0)
    or rank // greatest(customers // 100, 1) <> (rank - 1) // greatest(customers // 100, 1)
order by rank
