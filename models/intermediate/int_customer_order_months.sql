with

order_days as (

    select
        *,
        {{ month_of('ordered_on') }} as month
    from {{ ref('int_order_days') }}

),

kept_months as (

    select
        ---------- ids
        customer_id,

        ---------- dates
        month,
        min(ordered_on) as first_line_on,
        max(ordered_on) as last_line_on,
        min(ordered_on) filter (where sale_line_count > 0) as first_ordered_on,
        max(ordered_on) filter (where sale_line_count > 0) as last_ordered_on,

        ---------- counts
        count(*) filter (where is_first_sale_day) as orders,
        cast(sum(order_lines) as bigint) as order_lines,

        ---------- amounts, company currency, without tax
        {{ money('sum(gross_amount)') }} as gross_revenue,
        {{ money('sum(discount_amount)') }} as discounts,
        {{ money('sum(return_amount)') }} as returns,
        {{ money('sum(net_amount)') }} as net_revenue,
        {{ money('sum(cost_amount)') }} as cost_of_goods,
        {{ money('sum(contribution)') }} as contribution,
        {{ money('sum(net_amount_without_cost)') }} as net_revenue_without_cost,

        ---------- booleans
        bool_or(is_cost_assumed) as is_assumed

    from order_days
    group by customer_id, month

),

-- Of sales whose time is over the money of the month is known, and neither orders nor days.
expired_months as (

    select
        coalesce(crosswalk.customer_id, 0) as customer_id,
        expired.month,
        sum(case when expired.component = 'revenue' then expired.amount else 0 end) as gross_revenue,
        -sum(case when expired.component = 'discounts' then expired.amount else 0 end) as discounts,
        sum(case when expired.component = 'returns' then expired.amount else 0 end) as returns,
        sum(case when expired.component = 'cost of goods' then expired.net_amount else 0 end) as net_revenue,
        -sum(case when expired.component = 'cost of goods' and expired.rule <> 'missing' then expired.amount end)
            as cost_of_goods,
        sum(case when expired.rule <> 'missing' then expired.net_amount + expired.amount end) as contribution,
        sum(case when expired.rule = 'missing' then expired.net_amount else 0 end) as net_revenue_without_cost,
        bool_or(expired.is_assumed) as is_assumed
    from {{ source('ledger', 'expired_amounts') }} as expired
    left join {{ ref('int_customer_crosswalk') }} as crosswalk on expired.customer_record_id = crosswalk.record_id
    where
        expired.component in ('revenue', 'discounts', 'returns', 'cost of goods')
        and expired.month <= {{ as_of() }}
    group by 1, 2

),

months as (

    select * from kept_months
    union all
    select
        customer_id,
        month,
        cast(null as date) as first_line_on,
        cast(null as date) as last_line_on,
        cast(null as date) as first_ordered_on,
        cast(null as date) as last_ordered_on,
        0 as orders,
        0 as order_lines,
        {% for measure in [
            'gross_revenue', 'discounts', 'returns', 'net_revenue', 'cost_of_goods', 'contribution',
            'net_revenue_without_cost',
        ] %}
            {{ money(measure) }} as {{ measure }},
        {% endfor %}
        is_assumed
    from expired_months

),

customer_order_months as (

    select
        ---------- ids
        customer_id,

        ---------- dates
        month,
        min(first_line_on) as first_line_on,
        max(last_line_on) as last_line_on,
        min(first_ordered_on) as first_ordered_on,
        max(last_ordered_on) as last_ordered_on,

        ---------- counts
        cast(sum(orders) as bigint) as orders,
        cast(sum(order_lines) as bigint) as order_lines,

        ---------- amounts, company currency, without tax
        {% for measure in [
            'gross_revenue', 'discounts', 'returns', 'net_revenue', 'cost_of_goods', 'contribution',
            'net_revenue_without_cost',
        ] %}
            {{ money('sum(' ~ measure ~ ')') }} as {{ measure }},
        {% endfor %}

        ---------- booleans
        bool_or(is_assumed) as is_assumed

    from months
    group by customer_id, month

)

select * from customer_order_months
