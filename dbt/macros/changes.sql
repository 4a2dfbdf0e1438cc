{#
    The orders whose lines may differ from what the last settled build left: of every order line that may, each order that any
    version of it names, and the orders that return one of these, whose customer may be the sale's.

    A line may differ because a batch of lines or of headers came, was replaced or unloaded, or because the as-of day moved
    over it or over its delivery. What the last build saw stands in schema `run`; a build that broke off, another configuration
    or other code build the tables whole.
#}
{% macro changed_orders() %}
{%- set versions, headers = ref('stg_transaction_versions'), ref('stg_order_versions') -%}
select order_id from {{ versions }} where order_line_id in ({{ _touched(versions, 'order_line_id') }})
union
select order_id from ({{ _touched(headers, 'order_id') }}) as touched_headers
union
select order_id
from {{ versions }}
where
    return_of_order_id in (
        select order_id from {{ versions }} where order_line_id in ({{ _touched(versions, 'order_line_id') }})
        union
        select order_id from ({{ _touched(headers, 'order_id') }}) as touched_headers
    )
{% endmacro %}


{#
    What must be merged into the order tables: the lines of the orders above, and those whose product's cost, or the company's
    margin, changed, each with every order that a version of it names. `lines` is int_order_lines, as it is when the macro is
    used.
#}
{% macro changed_order_lines(lines) %}
select
    order_line_id,
    order_id
from {{ ref('stg_transaction_versions') }}
where
    order_id in (select changed_orders.order_id from ({{ changed_orders() }}) as changed_orders)
    or order_line_id in (
        select order_lines.order_line_id
        from {{ lines }} as order_lines
        where
            order_lines.product_id in (select product_id from ({{ _changed_costs() }}) as changed)
            or (
                order_lines.cost_rule in ('company margin', 'missing')
                and exists (select 1 from ({{ _changed_costs() }}) as changed where changed.product_id = 0)
            )
    )
{% endmacro %}


{# The ids of the versions whose batch came or went since the last build, or over whose days the as-of day moved. #}
{% macro _touched(versions, id) -%}
{%- set now, before = ref('int_active_batches'), source('run', 'built_batches') -%}
select {{ id }}
from {{ versions }}
where batch_id in (
    select batch_id from {{ now }} where batch_id not in (select batch_id from {{ before }})
    union all
    select batch_id from {{ before }} where batch_id not in (select batch_id from {{ now }})
)
union all
select versions.{{ id }}
from {{ versions }} as versions
inner join ({{ _days_passed() }}) as passed
    on
        versions.ordered_on between passed.first_day and passed.last_day
        or versions.delivered_on between passed.first_day and passed.last_day
{%- endmacro %}


{% macro _changed_costs() -%}
{%- set now, before = ref('int_cost_basis'), source('run', 'built_costs') -%}
select product_id from (select * from {{ now }} except select * from {{ before }}) as come
union all
select product_id from (select * from {{ before }} except select * from {{ now }}) as gone
{%- endmacro %}


{# The days between the last build's as-of day and this one's; no row where it is the same. #}
{% macro _days_passed() -%}
select
    least(built.as_of_on, context.as_of_on) + 1 as first_day,
    greatest(built.as_of_on, context.as_of_on) as last_day
from {{ source('run', 'built_state') }} as built
cross join {{ source('run', 'context') }} as context
where built.as_of_on <> context.as_of_on
{%- endmacro %}
