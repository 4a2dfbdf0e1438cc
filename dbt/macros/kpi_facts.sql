{# Joins a fact's customer as they were at the end of the month of that day, and at its start, as months and months_before. #}
{% macro join_customer_months(fact, day) -%}
left join {{ ref('int_customer_months_labelled') }} as months
    on {{ fact }}.customer_id = months.customer_id and {{ month_of(fact ~ '.' ~ day) }} = months.month
left join {{ ref('int_customer_months_labelled') }} as months_before
    on
        {{ fact }}.customer_id = months_before.customer_id
        and {{ month_of(dbt.dateadd('month', -1, month_of(fact ~ '.' ~ day))) }} = months_before.month
{%- endmacro %}


{# The segments of a fact's customer, of the months that join_customer_months joins. #}
{% macro segments_of_months() -%}
{% for segmentation in ['value_tier', 'engagement_tier', 'rfm_group'] %}
    months.{{ segmentation }},
    months_before.{{ segmentation }} as previous_{{ segmentation }},
{% endfor %}
{%- endmacro %}
