{# The distinct values of a group as one text, in order, parted by commas; null if there is none. #}
{% macro text_list(expression) -%}
    {{ return(adapter.dispatch('text_list')(expression)) }}
{%- endmacro %}

{% macro default__text_list(expression) -%}
    nullif(array_to_string(list_sort(list(distinct {{ expression }})), ', '), '')
{%- endmacro %}

{% macro spark__text_list(expression) -%}
    nullif(array_join(sort_array(collect_set({{ expression }})), ', '), '')
{%- endmacro %}
