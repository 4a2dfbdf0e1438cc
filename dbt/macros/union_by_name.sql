{#
    The rows of several relations under one list of columns, each cast to its type; a column that a relation has not is null.
    DuckDB's `union all by name`, which no other engine knows.
    columns: name → type; parts: a mapping each with `rows`, the relation, `own`, the columns that it has under these names, and
    `named`, name → expression of others.
#}
{% macro union_by_name(columns, parts) -%}
{%- for part in parts %}
select
    {%- for name, type in columns.items() %}
    cast({{ part.named[name] if name in part.named else (name if name in part.own else 'null') }} as {{ type }}) as {{ name }}
    {{- ',' if not loop.last }}
    {%- endfor %}
from {{ part.rows }}
{{ 'union all' if not loop.last }}
{%- endfor %}
{%- endmacro %}
