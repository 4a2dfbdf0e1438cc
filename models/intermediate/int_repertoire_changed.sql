{#-
    A thing that was bought counts for twelve months (categories also for six), so that it begins to count in one month and
    ceases in another.
-#}
{{ config(materialized="view") }}

with

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

-- Of a company that tells categories; one that tells none has none to count.
products as (

    select
        product_id,
        dense_rank() over (order by category asc nulls last) as category_number
    from {{ ref('int_product_costs') }}
    where category is not null

),

categories as (

    select count(*) > 0 as are_told
    from products

),

product_months as (

    select
        orders.customer_record_id,
        lines.product_id,
        {{ month_number('lines.ordered_on') }} as month_number
    from {{ ref('int_order_lines') }} as lines
    inner join {{ ref('int_orders') }} as orders on lines.order_id = orders.order_id
    where not lines.is_return and lines.product_id is not null and orders.customer_record_id is not null
    group by 1, 2, 3

),

channel_days as (

    select
        customer_record_id,
        channel,
        ordered_on as used_on
    from {{ ref('int_orders') }}
    where channel is not null and sale_line_count > 0
    union all
    select
        customer_record_id,
        channel,
        opened_on as used_on
    from {{ ref('stg_interactions') }}
    where channel is not null and direction = 'inbound'

),

channels as (

    select
        channel,
        dense_rank() over (order by channel asc nulls last) as channel_number
    from channel_days
    group by channel

),

-- kind: 1 product, 2 category, 3 channel
things as (

    select
        crosswalk.customer_id,
        1 as kind,
        product_months.product_id as thing,
        product_months.month_number
    from product_months
    inner join crosswalk on product_months.customer_record_id = crosswalk.record_id
    union all
    -- products that nobody put into a category are one more, together
    select
        crosswalk.customer_id,
        2 as kind,
        coalesce(products.category_number, 0) as thing,
        product_months.month_number
    from product_months
    left join products on product_months.product_id = products.product_id
    inner join crosswalk on product_months.customer_record_id = crosswalk.record_id
    cross join categories
    where categories.are_told
    group by 1, 2, 3, 4
    union all
    select
        crosswalk.customer_id,
        3 as kind,
        channels.channel_number as thing,
        {{ month_number('channel_days.used_on') }} as month_number
    from channel_days
    inner join channels on channel_days.channel = channels.channel
    inner join crosswalk on channel_days.customer_record_id = crosswalk.record_id
    group by 1, 2, 3, 4

),

neighbours as (

    select
        *,
        lag(month_number) over by_month as previous_month_number,
        lead(month_number) over by_month as next_month_number
    from things
    window by_month as (partition by customer_id, kind, thing order by month_number asc nulls last)

),

changes as (

    {% for kind, measure, months in [
        (1, 'products', 12), (2, 'categories', 12), (2, 'categories_6m', 6), (3, 'channels', 12),
    ] %}
        select
            customer_id,
            month_number,
            '{{ measure }}' as measure,
            1 as change
        from neighbours
        where
            kind = {{ kind }}
            and (previous_month_number is null or month_number - previous_month_number > {{ months }})
        union all
        select
            customer_id,
            month_number + {{ months }} as month_number,
            '{{ measure }}' as measure,
            -1 as change
        from neighbours
        where kind = {{ kind }} and (next_month_number is null or next_month_number - month_number > {{ months }})
        {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from changes
