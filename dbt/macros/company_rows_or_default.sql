{# A reference table: the company's own rows where it keeps the table, else the neutral default in seeds/. #}
{% macro company_rows_or_default(table, columns) %}
with

company as ( {{ current_version(table, is_state=true) }} )

select {{ columns | join(', ') }} from company
union all
select {{ columns | join(', ') }}
from {{ ref('default_' ~ table) }}
where not exists (select 1 from company)
{% endmacro %}
