{#- What a company would want to know of everybody; an address counts once, a birth date or a tax number once. -#}
{%- set known_fields = [
    'coalesce(family_name, full_name, company_name)', 'email', 'phone', 'street', 'coalesce(postal_code, city)', 'country',
    'language', "coalesce(tax_id, cast(birth_date as string))",
] -%}
{{ config(materialized="view") }}

with

profiles as (

    select
        customer_id,
        cast(
            {% for field in known_fields %}
                case when {{ field }} is null then 0 else 1 end{{ ' +' if not loop.last }}
            {% endfor %}
            as double
        ) / {{ known_fields | length }} as profile_completeness
    from {{ ref('int_golden_records_chosen') }}

)

select * from profiles
