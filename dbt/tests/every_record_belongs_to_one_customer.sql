-- Every source record that is known anywhere belongs to exactly one customer, and no other record to any.
with

assigned as (

    select
        record_id,
        count(*) as customers
    from {{ ref('int_customer_crosswalk') }}
    group by record_id

)

select
    coalesce(records.record_id, assigned.record_id) as record_id,
    assigned.customers
from {{ ref('int_customer_records') }} as records
full outer join assigned on records.record_id = assigned.record_id
where records.record_id is null or coalesce(assigned.customers, 0) <> 1
