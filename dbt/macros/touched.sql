{#
    Months whose figures may differ from what the last build left, and what is done for these alone.

    No figure of a month-end rests on anything dated after it. So where nothing that months are made from differs before a
    month, all that was said of the months before it stands. `int_touched_months` compares, month by month, what this build
    reads with what the last one read (schema `run`); after a build that broke off, of another configuration or of other code
    there is nothing to compare with, and all months are touched.
#}


{# The number of the first month that is made anew. #}
{% macro first_touched_month() -%}
    (select min(month_number) from {{ ref('int_touched_months') }})
{%- endmacro %}


{# Whether a date lies in a month that is made anew. #}
{% macro is_touched(date) -%}
    {{ month_number(date) }} >= {{ first_touched_month() }}
{%- endmacro %}


{# Before rows are added to what is there: those of the months that are made anew go. #}
{% macro drop_touched_months(date) -%}
    delete from {{ this }} where {{ is_touched(date) }}
{%- endmacro %}


{# A number that tells rows apart which differ; it is compared with those of the last build and kept for nothing else. #}
{% macro row_hash(columns) -%}
    {{ return(adapter.dispatch('row_hash')(columns)) }}
{%- endmacro %}

{% macro default__row_hash(columns) -%}
    cast(hash({{ columns | join(', ') }}) as decimal(38, 0))
{%- endmacro %}

{% macro spark__row_hash(columns) -%}
    cast(xxhash64({{ columns | join(', ') }}) as decimal(38, 0))
{%- endmacro %}
