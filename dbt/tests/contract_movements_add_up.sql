-- Opening + new + reactivated + expanded - contracted - churned = closing, to the cent and in customers; a month opens with what
-- the month before closed with; the last one closes with what the running contracts bring.
with

movements as (

    select
        *,
        lag(closing_amount) over (order by month asc nulls last) as closed_before,
        lag(closing_customers) over (order by month asc nulls last) as customers_before,
        month = max(month) over () as is_last
    from {{ ref('contract_movements') }}

),

contracts as (

    select coalesce(sum(monthly_recurring_amount), 0) as amount
    from {{ ref('contracts') }}
    where customer_id <> 0

)

select 'does not add up: ' || cast(movements.month as string) as finding
from movements
where
    opening_amount + new_amount + reactivated_amount + expanded_amount - contracted_amount - churned_amount
    <> closing_amount
    or opening_customers + new_customers + reactivated_customers - churned_customers <> closing_customers
union all
select 'not carried over: ' || cast(movements.month as string) as finding
from movements
where opening_amount <> coalesce(closed_before, 0) or opening_customers <> coalesce(customers_before, 0)
union all
select 'not the sum of the contracts: ' || cast(movements.month as string) as finding
from movements
cross join contracts
where movements.is_last and movements.closing_amount <> contracts.amount
