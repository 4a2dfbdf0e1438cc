select
    programme, approach, stage, month, verdict, evidence, members, cost_amount, customer_gain_amount, recent_return,
    limitation,
    coalesce(incremental_contribution, associated_contribution) as contribution
from relationship.programme_results
where row_type = 'programme'
qualify row_number() over (partition by programme order by month desc) = 1
order by programme
