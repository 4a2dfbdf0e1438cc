{#
    Whether the model is built upon what is there. On DuckDB alone: elsewhere a table is made whole, and nothing of it need be
    asked of an engine while it is compiled.
#}
{% macro is_incremental() -%}
    {{ return(target.type == 'duckdb' and dbt.is_incremental()) }}
{%- endmacro %}
