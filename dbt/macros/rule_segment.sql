{#
    The first of the company's rule segments that holds, as one expression over the columns of clientela/segment/columns.py.
    The predicates were checked when the configuration was read: no query, no table, no file.
#}
{% macro rule_segment() -%}
    {%- set rules = var('rule_segments') -%}
    {%- if rules -%}
        case
            {%- for rule in rules %}
            when {{ rule.sql }} then '{{ rule.name | replace("'", "''") }}'
            {%- endfor %}
            else 'other'
        end
    {%- else -%}
        cast(null as string)
    {%- endif -%}
{%- endmacro %}
