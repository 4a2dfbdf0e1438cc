{#
    The rows of one raw entity that are in force: of each record the greatest version among the batches that were known
    and not retired at known_at, unless that version is a tombstone.

    Of two rows of one record at least one has is_revision. So a record without such a row has one version only, and passes without a sort;
    the window runs over the few others.

    is_state: the entity has no event time (a customer, a product, a rate). Its versions from after the as-of day do not
    exist yet, and the one before is in force. Entities with an event time are cut at the as-of day in staging.
#}
{% macro current_version(entity, is_state=false) %}
{%- set raw = source('raw', entity) -%}
with

known_batches as (

    {{ active_batches(entity) }}

),

revised_records as (

    select distinct record_id
    from {{ raw }}
    where is_revision and {{ _is_visible(is_state) }}

),

never_revised as (

    select
        delivered.*,
        1 as age
    from {{ raw }} as delivered
    where
        {{ _is_visible(is_state) }}
        and not exists (select 1 from revised_records where revised_records.record_id = delivered.record_id)

),

revised as (

    select
        delivered.*,
        row_number() over (
            partition by record_id order by version desc nulls last, content_hash desc nulls last
        ) as age
    from {{ raw }} as delivered
    where
        {{ _is_visible(is_state) }}
        and exists (select 1 from revised_records where revised_records.record_id = delivered.record_id)

)

select * from never_revised where not is_deleted
union all
select * from revised where age = 1 and not is_deleted
{% endmacro %}

{% macro _is_visible(is_state) -%}
batch_id in (select batch_id from known_batches)
{%- if is_state %} and (version_at is null or {{ local_date('version_at') }} <= {{ as_of() }}){% endif -%}
{%- endmacro %}


{# The batches of an entity that were known and not retired at known_at. #}
{% macro active_batches(entity) -%}
select loads.batch_id
from {{ source('ledger', 'loads') }} as loads
cross join {{ source('run', 'context') }} as context
where
    loads.entity = '{{ entity }}'
    and loads.status in ('loaded', 'unloaded')
    and loads.loaded_at <= context.known_at
    and (loads.retired_at is null or loads.retired_at > context.known_at)
{%- endmacro %}
