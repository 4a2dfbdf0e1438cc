{# Measured money, the last step of every model that computes it. #}
{% macro money(expression) -%}
    cast({{ expression }} as decimal(18, 4))
{%- endmacro %}

{# An amount times a decimal, exact. DuckDB keeps the product of two decimals of up to 18 digits in 18 digits: a unit cost
   times a quantity would end the night at 100 million, the square of an amount at 100,000. #}
{% macro times(amount, factor) -%}
    (cast({{ amount }} as decimal(20, 4)) * {{ factor }})
{%- endmacro %}
