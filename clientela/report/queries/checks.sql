select batch_id, expectation, severity, column_name, description, observed
from operations.load_checks
where
    not is_met
    and batch_id in (select batch_id from operations.loads where run_id > $previous_run_id and retired_at is null)
order by batch_id, severity, expectation
limit 200
