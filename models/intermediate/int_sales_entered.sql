{{ config(materialized="view") }}

with

order_lines as (

    select
        *,
        {{ month_of('ordered_on') }} as month
    from {{ ref('int_order_lines_identified') }}

),

goods as (

    select
        customer_id,
        month,
        source,
        cost_rule,
        is_cost_assumed,
        count(*) as entries,
        count(*) filter (where is_return) as return_entries,
        coalesce(sum(gross_amount) filter (where not is_return), 0) as gross_amount,
        coalesce(sum(discount_amount) filter (where not is_return), 0) as discount_amount,
        coalesce(sum(net_amount) filter (where is_return), 0) as return_amount,
        sum(shipping_amount) as shipping_amount,
        sum(fee_amount) as fee_amount,
        coalesce(sum(cost_amount), 0) as cost_amount
    from order_lines
    group by customer_id, month, source, cost_rule, is_cost_assumed

),

sales as (

    select
        customer_id,
        month,
        source,
        sum(entries) - sum(return_entries) as sale_entries,
        sum(return_entries) as return_entries,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(return_amount) as return_amount,
        sum(shipping_amount) as shipping_amount,
        sum(fee_amount) as fee_amount
    from goods
    group by customer_id, month, source

),

-- An order that names an offer of the reference table used it once.
offers_used as (

    select distinct
        order_lines.order_id,
        order_lines.customer_id,
        order_lines.month,
        order_lines.source,
        offers.offer,
        offers.unit_cost
    from order_lines
    inner join {{ ref('stg_offers') }} as offers on order_lines.coupon = offers.offer
    where offers.unit_cost is not null and not order_lines.is_return

),

entries as (

    {% for component, rule, entries, amount, is_entered in [
        ('revenue', 'sales before discounts', 'sale_entries', 'gross_amount', 'sale_entries > 0'),
        ('discounts', 'discounts on sales', 'sale_entries', '-discount_amount', 'discount_amount <> 0'),
        ('returns', 'goods returned', 'return_entries', 'return_amount', 'return_entries > 0'),
        ('shipping', 'shipping charged on orders', 'sale_entries + return_entries', 'shipping_amount', 'shipping_amount <> 0'),
        ('fees', 'fees of orders', 'sale_entries + return_entries', 'fee_amount', 'fee_amount <> 0'),
    ] %}
        select
            customer_id,
            month,
            source,
            cast(null as bigint) as campaign_id,
            '' as campaign_key,
            '{{ component }}' as component,
            '' as activity,
            '{{ rule }}' as rule,
            false as is_assumed,
            {{ entries }} as entries,
            {{ amount }} as amount
        from sales
        where {{ is_entered }}
        union all
    {% endfor %}
    select
        customer_id,
        month,
        source,
        cast(null as bigint) as campaign_id,
        '' as campaign_key,
        'cost of goods' as component,
        '' as activity,
        cost_rule as rule,
        is_cost_assumed as is_assumed,
        entries,
        -cost_amount as amount
    from goods
    union all
    select
        customer_id,
        month,
        source,
        cast(null as bigint) as campaign_id,
        '' as campaign_key,
        'offers' as component,
        offer as activity,
        'unit cost of the offer used' as rule,
        false as is_assumed,
        1 as entries,
        -unit_cost as amount
    from offers_used

)

select * from entries
