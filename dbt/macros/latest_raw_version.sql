{#
    The rows of a raw entity that count, found by another way than the macro `current_version` goes: value_reconciliation
    would agree with any mistake that it shared with staging. `known_batches` is a CTE of the model that uses it.
    is_state: as in `current_version`.
#}
{% macro latest_raw_version(entity, is_state=false) -%}
select *
from (
    select
        *,
        rank() over (
            partition by record_id order by version desc nulls last, content_hash desc nulls last
        ) as age
    from {{ source('raw', entity) }}
    where
        batch_id in (select known_batches.batch_id from known_batches where known_batches.entity = '{{ entity }}')
        {% if is_state -%}
            and coalesce({{ local_date('version_at') }} <= {{ as_of() }}, true)
        {%- endif %}
) as versions
where age = 1 and not is_deleted
{%- endmacro %}
