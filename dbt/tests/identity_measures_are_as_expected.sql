-- Customers do not change their ids by the hundred overnight, unless someone meant it (`run --accept-identity`). A few
-- records may change whatever their share is, or a small company could never merge two customers.
with

accepted as (

    select
        settings.few_changes,
        runs.are_changes_accepted
    from {{ source('run', 'identity') }} as runs
    cross join {{ source('run', 'identity_settings') }} as settings

),

changed as (

    select max(value) as records
    from {{ ref('identity_measures') }}
    where measure = 'records_changed_customer'

)

select
    measures.measure,
    measures.value,
    measures.expected_from,
    measures.expected_to
from {{ ref('identity_measures') }} as measures
cross join accepted
cross join changed
where
    measures.is_out_of_range
    and not accepted.are_changes_accepted
    and not (measures.measure = 'share_records_changed_customer' and changed.records <= accepted.few_changes)
