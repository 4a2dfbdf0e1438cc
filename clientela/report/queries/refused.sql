select batch_id, source, feed, status, reason, delivered_rows, loaded_rows, quarantined_rows, warning_count, validation_report
from operations.loads
where
    retired_at is null and run_id > $previous_run_id
    and (status = 'refused' or quarantined_rows > 0 or warning_count > 0)
order by status = 'refused' desc, quarantined_rows desc, batch_id
limit 50
