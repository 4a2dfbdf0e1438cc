with

recent as (

    select
        quarantined.*,
        count(*) over (partition by source, entity, field, reason) as alike,
        row_number() over (partition by source, entity, field, reason order by source_file, source_row) as place
    from operations.quarantined_rows as quarantined
    where batch_id in (select batch_id from operations.loads where run_id > $previous_run_id and retired_at is null)

)

select source, entity, field, reason, alike, source_file, source_row, coalesce(value, shape) as shown_value, value is null as is_shape
from recent
where place <= 3
order by alike desc, source, entity, field, reason, place
limit 60
