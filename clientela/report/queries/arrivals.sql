select
    count(*) filter (status = 'loaded') as loaded_batches,
    count(*) filter (status = 'refused') as refused_batches,
    sum(loaded_rows) filter (status = 'loaded') as loaded_rows,
    sum(quarantined_rows) filter (status = 'loaded') as quarantined_rows
from operations.loads
where run_id > $previous_run_id and retired_at is null
