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


{# A reference table: the neutral default in seeds/, and the company's own rows beside it; one with the same key takes its place. #}
{% macro company_rows_and_default(table, key, columns) %}
with

company as ( {{ current_version(table, is_state=true) }} )

select {{ columns | join(', ') }}, false as is_shipped from company
union all
select {{ columns | join(', ') }}, true as is_shipped
from {{ ref('default_' ~ table) }}
where {{ key }} not in (select company.{{ key }} from company)
{% endmacro %}
