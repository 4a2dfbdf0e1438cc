{#
    A table of schema `identity` that the step behind a Python model leaves beside the rows that the model returns. dbt knows
    one result per model: named so, the table is a source, and is read only once the model that leaves it has run.
    model: ref() of that model; table: source() of what it leaves.
#}
{% macro left_by(model, table) -%}
    {{ table }}
{%- endmacro %}
