{#
    The integer key of what the parts name: first 63 bits of md5 over the parts as text, joined by |. The loader makes
    raw.record_id the same way from source and record_key.
#}
{% macro surrogate_key(parts) -%}
    {%- set text = [] -%}
    {%- for part in parts -%}
        {%- do text.append("coalesce(cast(" ~ part ~ " as string), '')") -%}
    {%- endfor -%}
    {{ return(adapter.dispatch('first_63_bits_of_md5')(text | join(" || '|' || "))) }}
{%- endmacro %}

{% macro default__first_63_bits_of_md5(text) -%}
    cast(cast('0x' || substr(md5({{ text }}), 1, 16) as ubigint) >> 1 as bigint)
{%- endmacro %}

{% macro spark__first_63_bits_of_md5(text) -%}
    {#- sixteen digits at once are no bigint, and null to engines that take conv for one -#}
    (
        cast(conv(substr(md5({{ text }}), 1, 15), 16, 10) as bigint) * 8
        + cast(conv(substr(md5({{ text }}), 16, 1), 16, 10) as bigint) div 2
    )
{%- endmacro %}
