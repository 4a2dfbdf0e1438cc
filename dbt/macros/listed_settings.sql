{# One row per member of a list in a section of the configuration, a column per key. #}
{% macro listed_settings(section, list) -%}
    {{ return(adapter.dispatch('listed_settings')(section, list)) }}
{%- endmacro %}

{% macro default__listed_settings(section, list) -%}
    select unnest({{ list }}, recursive := true) from {{ section }}
{%- endmacro %}

{% macro spark__listed_settings(section, list) -%}
    select inline({{ list }}) from {{ section }}
{%- endmacro %}
