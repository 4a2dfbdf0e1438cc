{%- set tables = [
    ('order_lines', 'net_amount', 'cost_amount', 'contribution', 'count(*)', 'count(distinct order_id) filter (where not is_return)'),
    ('orders', 'net_amount', 'cost_amount', 'contribution', 'sum(order_lines)', 'count(*) filter (where not is_return)'),
    ('customer_months', 'net_revenue', 'cost_of_goods', 'contribution', 'sum(order_lines)', 'sum(orders)'),
    ('customer_value', 'net_revenue', 'cost_of_goods', 'contribution', 'sum(order_lines)', 'sum(orders)'),
] %}

-- Order lines, orders, months and customers tell the same money, and gross - discounts + returns = net.
with

-- What expired is in months and customers, and in no order any more.
expired as (

    select
        coalesce(sum(net_amount), 0) as net_revenue,
        coalesce(-sum(amount) filter (where component = 'cost of goods'), 0) as cost_of_goods,
        coalesce(sum(net_amount + amount) filter (where rule <> 'missing'), 0) as contribution
    from {{ source('ledger', 'expired_amounts') }}
    where component = 'cost of goods' and month <= {{ as_of() }}

),

totals as (

    {% for table, net, cost, contribution, lines, orders in tables %}
    select
        '{{ table }}' as mart,
        coalesce(sum({{ net }}), 0) as net_revenue,
        coalesce(sum({{ cost }}), 0) as cost_of_goods,
        coalesce(sum({{ contribution }}), 0) as contribution,
        coalesce({{ lines }}, 0) as order_lines,
        coalesce({{ orders }}, 0) as orders
    from {{ ref(table) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

with_expired as (

    select
        totals.mart,
        totals.order_lines,
        totals.orders,
        {% for measure in ['net_revenue', 'cost_of_goods', 'contribution'] %}
        totals.{{ measure }}
        + case when totals.mart in ('order_lines', 'orders') then expired.{{ measure }} else 0 end as {{ measure }}
        {%- if not loop.last %},{% endif %}
        {% endfor %}
    from totals
    cross join expired

),

first_total as (

    select * from with_expired where mart = 'order_lines'

),

differing as (

    select totals.mart as finding
    from with_expired as totals
    cross join first_total
    where
        totals.net_revenue <> first_total.net_revenue
        or totals.cost_of_goods <> first_total.cost_of_goods
        or totals.contribution <> first_total.contribution
        or totals.order_lines <> first_total.order_lines
        or totals.orders <> first_total.orders

),

not_adding_up as (

    select 'customer ' || cast(customer_id as string) as finding
    from {{ ref('customer_value') }}
    where
        gross_revenue - discounts + returns <> net_revenue
        or net_revenue - net_revenue_without_cost - coalesce(cost_of_goods, 0) <> coalesce(contribution, 0)

)

select finding from differing
union all
select finding from not_adding_up
