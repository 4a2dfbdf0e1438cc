{#- Sums over the last twelve months: what a month brought is taken away again twelve months later. -#}
{%- set trailing = [
    'orders', 'active_months', 'gross_revenue', 'discounts', 'net_revenue', 'contribution',
] -%}
{%- set held = [
    'products', 'categories', 'categories_6m', 'channels', 'contracts', 'complaints', 'campaign_contacts',
    'campaign_answers', 'satisfaction', 'satisfaction_answers', 'withdrawn_consents', 'recurring',
] -%}
{%- set of_the_month = [
    'orders', 'order_lines', 'gross_revenue', 'discounts', 'returns', 'net_revenue', 'net_revenue_without_cost',
] -%}
{{ config(materialized="view") }}

with

as_of_month as (

    select {{ month_number('as_of_on') }} as month_number
    from {{ source('run', 'context') }}

),

order_months as (

    select
        *,
        {{ month_number('month') }} as month_number,
        case when orders > 0 then 1 else 0 end as active_months
    from {{ ref('int_customer_order_months') }}

),

trailing_months as (

    select order_months.*
    from order_months
    inner join as_of_month on order_months.month_number + 12 <= as_of_month.month_number

),

changes as (

    select changes.*
    from {{ ref('int_customer_changes') }} as changes
    inner join as_of_month on changes.month_number <= as_of_month.month_number

),

-- A customer may be seen before they order: that month is one too.
months as (

    select
        customer_id,
        month_number
    from order_months
    union
    select
        customer_id,
        month_number + 12 as month_number
    from trailing_months
    union
    select
        customer_id,
        month_number
    from changes
    union
    select
        customer_id,
        {{ month_number('first_seen_on') }} as month_number
    from {{ ref('int_customers') }}
    where first_seen_on is not null

),

months_of_change as (

    select
        months.customer_id,
        months.month_number,

        ---------- what the month brought
        order_months.last_ordered_on,
        {% for measure in of_the_month %}
            coalesce(order_months.{{ measure }}, 0) as {{ measure }},
        {% endfor %}
        order_months.cost_of_goods,
        order_months.contribution,

        ---------- by how much it changes what the last twelve months brought
        {% for measure in trailing %}
            coalesce(order_months.{{ measure }}, 0) - coalesce(trailing_months.{{ measure }}, 0) as {{ measure }}_12m,
        {% endfor %}

        ---------- by how much it changes what is held
        {% for measure in held %}
            coalesce(changes.{{ measure }}, 0) as {{ measure }},
        {% endfor %}

        ---------- booleans
        coalesce(order_months.is_assumed, false) as is_assumed

    from months
    left join order_months
        on months.customer_id = order_months.customer_id and months.month_number = order_months.month_number
    left join trailing_months
        on
            months.customer_id = trailing_months.customer_id
            and months.month_number = trailing_months.month_number + 12
    left join changes
        on months.customer_id = changes.customer_id and months.month_number = changes.month_number

),

-- Each month of change with what had come together by its end, and the month that follows it.
spells as (

    select
        months_of_change.customer_id,
        months_of_change.month_number as from_month_number,
        {% for measure in of_the_month + ['cost_of_goods', 'contribution', 'is_assumed'] %}
            months_of_change.{{ measure }},
        {% endfor %}
        sum(months_of_change.orders) over until_then as cumulative_orders,
        sum(months_of_change.net_revenue) over until_then as cumulative_net_revenue,
        sum(months_of_change.contribution) over until_then as cumulative_contribution,
        max(months_of_change.last_ordered_on) over until_then as last_order_until_then_on,
        {% for measure in trailing %}
            sum(months_of_change.{{ measure }}_12m) over until_then as {{ measure }}_12m,
        {% endfor %}
        {% for measure in held %}
            sum(months_of_change.{{ measure }}) over until_then as {{ measure }},
        {% endfor %}
        coalesce(
            lead(months_of_change.month_number) over by_month, as_of_month.month_number + 1
        ) as before_month_number
    from months_of_change
    cross join as_of_month
    window
        by_month as (
            partition by months_of_change.customer_id order by months_of_change.month_number asc nulls last
        ),
        until_then as (
            partition by months_of_change.customer_id order by months_of_change.month_number asc nulls last
            rows between unbounded preceding and current row
        )

)

select * from spells
