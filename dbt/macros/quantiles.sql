{#
    Quantiles of a group in one pass: the smallest values that at least such shares of the values do not exceed. The answer is
    a list, whose members `nth` reads, counting from 1.
#}
{% macro quantiles(expression, shares) -%}
    {{ return(adapter.dispatch('quantiles')(expression, shares)) }}
{%- endmacro %}

{% macro default__quantiles(expression, shares) -%}
    quantile_disc({{ expression }}, [{{ shares | join(', ') }}])
{%- endmacro %}

{% macro spark__quantiles(expression, shares) -%}
    percentile_approx({{ expression }}, array({{ shares | join(', ') }}), 10000000)
{%- endmacro %}


{% macro nth(list, place) -%}
    {{ return(adapter.dispatch('nth')(list, place)) }}
{%- endmacro %}

{% macro default__nth(list, place) -%}
    list_extract({{ list }}, {{ place }})
{%- endmacro %}

{% macro spark__nth(list, place) -%}
    element_at({{ list }}, {{ place }})
{%- endmacro %}
