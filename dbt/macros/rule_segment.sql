{#
    The first of the company's rule segments that holds, as one expression over the columns of clientela/segment/columns.py.
    The predicates were checked when the configuration was read: no query, no table, no file.
#}
{% macro rule_segment() -%}
    {{ var('rule_segment') or 'cast(null as string)' }}
{%- endmacro %}
