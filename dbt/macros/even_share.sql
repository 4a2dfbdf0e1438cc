{#
    One member's share of an amount that is spread evenly, to the cent. All remainders are equal, so the cents that are left
    over go to the first members by `place`; what is finer than a cent goes to the first. The shares sum to the amount.
    place: 1, 2 … in an order that does not depend on when rows arrived; members: how many share.
#}
{% macro even_share(amount, place, members) -%}
    {%- set cents = "cast(floor(" ~ times(amount, 100) ~ ") as bigint)" -%}
    cast(
        (cast(floor({{ cents }} / {{ members }}) as bigint) + case when {{ place }} <= {{ cents }} % {{ members }} then 1 else 0 end)
        * cast(0.01 as decimal(18, 4))
        + case when {{ place }} = 1 then ({{ amount }}) - {{ cents }} * cast(0.01 as decimal(18, 4)) else 0 end
        as decimal(18, 4)
    )
{%- endmacro %}
