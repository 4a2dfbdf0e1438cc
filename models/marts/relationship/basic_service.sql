with

context as (

    select * from {{ source('run', 'context') }}

),

orders as (

    select
        orders.*,
        coalesce(crosswalk.customer_id, 0) as customer_id,
        coalesce(orders.channel, '') as order_channel
    from {{ ref('int_orders') }} as orders
    left join {{ ref('int_customer_crosswalk') }} as crosswalk on orders.customer_record_id = crosswalk.record_id

),

returns as (

    select distinct return_of_order_id
    from {{ ref('int_order_lines') }}
    where is_return and return_of_order_id is not null

),

sales as (

    select
        orders.order_channel as channel,
        {{ month_of('orders.ordered_on') }} as month,
        orders.promised_on is not null
        and (orders.delivered_on is not null or orders.promised_on < context.as_of_on) as is_due,
        coalesce(orders.delivered_on <= orders.promised_on, false) as is_on_time,
        orders.return_amount <> 0 or returns.return_of_order_id is not null as is_returned
    from orders
    cross join context
    left join returns on orders.order_id = returns.return_of_order_id
    where orders.sale_line_count > 0

),

faults_of_orders as (

    select
        faults.kind,
        {{ month_of('faults.opened_on') }} as month,
        coalesce(named.order_channel, earlier.order_channel, '') as channel,
        row_number() over (
            partition by faults.interaction_id
            order by earlier.ordered_at desc nulls last, earlier.order_id desc nulls last
        ) as sequence
    from {{ ref('int_interactions_identified') }} as faults
    left join orders as named on faults.order_id = named.order_id
    left join orders as earlier
        on
            named.order_id is null
            and faults.customer_id = earlier.customer_id
            and faults.customer_id <> 0
            and earlier.sale_line_count > 0
            and faults.opened_on >= earlier.ordered_on
    where faults.kind in ('complaint', 'incident')

),

-- A complaint or an error belongs to the channel of the order that it names, else of the customer's last order before.
faults as (

    select * from faults_of_orders
    where sequence = 1

),

counted as (

    select
        month,
        channel,
        count(*) as orders,
        count(*) filter (where is_due) as due_orders,
        count(*) filter (where is_due and is_on_time) as on_time_orders,
        count(*) filter (where is_returned) as returned_orders,
        0 as order_errors,
        0 as complaints
    from sales
    group by month, channel
    union all
    select
        month,
        channel,
        0 as orders,
        0 as due_orders,
        0 as on_time_orders,
        0 as returned_orders,
        count(*) filter (where kind = 'incident') as order_errors,
        count(*) filter (where kind = 'complaint') as complaints
    from faults
    group by month, channel

),

summed as (

    select
        month,
        {% for measure in ['orders', 'due_orders', 'on_time_orders', 'returned_orders', 'order_errors', 'complaints'] %}
            cast(sum({{ measure }}) as bigint) as {{ measure }},
        {% endfor %}
        channel
    from counted
    group by month, channel

),

basic_service as (

    select
        ---------- ids
        month,
        channel,

        ---------- counts
        orders,
        due_orders,
        on_time_orders,
        returned_orders,
        order_errors,
        complaints,

        ---------- shares, and per hundred orders
        cast(on_time_orders as double) / nullif(due_orders, 0) as on_time_share,
        cast(returned_orders as double) / nullif(orders, 0) as returned_share,
        cast(order_errors as double) * 100 / nullif(orders, 0) as order_errors_per_100_orders,
        cast(complaints as double) * 100 / nullif(orders, 0) as complaints_per_100_orders

    from summed

)

select * from basic_service
