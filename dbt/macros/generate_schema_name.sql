{# Schemas bear the names of the layers and of the mart areas, in every target; the company's own models share one. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ 'custom' if node.package_name == 'custom' else (custom_schema_name or target.schema) }}
{%- endmacro %}
