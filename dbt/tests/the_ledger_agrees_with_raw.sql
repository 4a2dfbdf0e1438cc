-- Beyond the tolerance nothing is published. And what the ledger calls net revenue is the net of the order lines and of those
-- that have expired, exactly.
select
    source || ' ' || component || ' ' || cast(month as string) || ' differs from ' || compared_with as finding,
    difference
from {{ ref('value_reconciliation') }}
where not is_within_tolerance
union all
select
    'net revenue' as finding,
    ledger.amount - lines.amount as difference
from (
    select coalesce(sum(amount), 0) as amount
    from {{ ref('value_ledger') }}
    where component in ('revenue', 'discounts', 'returns')
) as ledger
cross join (
    select
        coalesce(sum(net_amount), 0)
        + (
            select coalesce(sum(expired.net_amount), 0)
            from {{ source('ledger', 'expired_amounts') }} as expired
            where expired.month <= {{ as_of() }}
        ) as amount
    from {{ ref('order_lines') }}
) as lines
where ledger.amount <> lines.amount
