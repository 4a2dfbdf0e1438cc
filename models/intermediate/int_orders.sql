{{
    config(
        materialized="incremental",
        incremental_strategy="merge",
        unique_key="order_id",
        post_hook="delete from {{ this }} where order_lines = 0",
    )
}}
{#- Said before the question whether it is used, so that dbt sees what it reads even while nothing is built yet. -#}
{%- set changed_lines = changed_order_lines(ref('int_order_lines')) %}

with

{% if is_incremental() %}
    -- whose an order is whose lines name several may change with any delivery that tells of customers
    changed as (

        select changed_lines.order_id
        from ({{ changed_lines }}) as changed_lines
        union
        select order_id
        from {{ this }}
        where has_several_records

    ),

    current_lines as (

        select * from {{ ref('int_order_lines') }}
        where order_id in (select changed.order_id from changed)

    ),

    -- an order that has no line any more has only its id: it is merged with none, and then deleted
    lines as (

        select
            changed.order_id as changed_order_id,
            current_lines.*
        from changed
        left join current_lines on changed.order_id = current_lines.order_id

    ),

{% else %}

    lines as (

        select
            order_id as changed_order_id,
            *
        from {{ ref('int_order_lines') }}

    ),

{% endif %}

summed as (

    select
        ---------- ids
        changed_order_id as order_id,
        min(customer_record_id) as lowest_record_id,
        min(return_of_order_id) as return_of_order_id,
        min(campaign_id) as campaign_id,
        max(batch_id) as batch_id,

        ---------- the source's own keys
        min(source) as source,
        any_value(order_key) as order_key,
        min_by(campaign_key, campaign_id) as campaign_key,
        min(store_key) as store_key,
        min(channel) as channel,
        min(status) as status,
        min(currency) as currency,

        ---------- counts
        count(order_line_id) as order_lines,
        count(*) filter (where not is_return) as sale_line_count,
        sum(items) as items,

        ---------- amounts, company currency, without tax
        {{ money('coalesce(sum(gross_amount) filter (where not is_return), 0)') }} as gross_amount,
        {{ money('coalesce(sum(discount_amount) filter (where not is_return), 0)') }} as discount_amount,
        {{ money('coalesce(sum(net_amount) filter (where is_return), 0)') }} as return_amount,
        {{ money('sum(net_amount)') }} as net_amount,
        {{ money('sum(tax_amount)') }} as tax_amount,
        {{ money('sum(shipping_amount)') }} as shipping_amount,
        {{ money('sum(fee_amount)') }} as fee_amount,
        {{ money('sum(cost_amount)') }} as cost_amount,
        {{ money('sum(contribution)') }} as contribution,
        {{ money('coalesce(sum(net_amount) filter (where cost_amount is null), 0)') }} as net_amount_without_cost,

        ---------- booleans
        bool_or(is_cost_assumed) as is_cost_assumed,
        coalesce(min(customer_record_id) <> max(customer_record_id), false) as has_several_records,

        ---------- times
        min(ordered_at) as ordered_at,
        min(ordered_on) as ordered_on,
        max(ordered_on) as last_line_on,
        min(ordered_on) filter (where not is_return) as first_sale_on,
        max(promised_on) as promised_on,
        case when count(order_line_id) = count(delivered_on) then max(delivered_on) end as delivered_on

    from lines
    group by changed_order_id

),

-- The lines of orders that name several records, in their order: 1 to n.
named_lines as (

    select
        lines.changed_order_id as order_id,
        lines.customer_record_id,
        coalesce(crosswalk.customer_id, lines.customer_record_id) as customer_id,
        delivered.record_id is not null as is_delivered,
        lines.net_amount,
        row_number() over (
            partition by lines.changed_order_id
            order by
                lines.ordered_at asc nulls last, length(lines.line_key) asc nulls last, lines.line_key asc nulls last,
                lines.order_line_id asc nulls last
        ) as line_number
    from lines
    inner join summed on lines.changed_order_id = summed.order_id and summed.has_several_records
    left join {{ ref('int_customer_crosswalk') }} as crosswalk on lines.customer_record_id = crosswalk.record_id
    left join {{ ref('stg_customers') }} as delivered on lines.customer_record_id = delivered.record_id
    where lines.customer_record_id is not null

),

named_customers as (

    select
        order_id,
        customer_id,
        min_by(customer_record_id, line_number) as customer_record_id,
        bool_or(is_delivered) as is_delivered,
        sum(net_amount) as net_amount,
        min(line_number) as first_line_number,
        count(*) over (partition by order_id) as customers
    from named_lines
    group by order_id, customer_id

),

candidates as (

    select
        *,
        row_number() over (
            partition by order_id
            order by is_delivered desc nulls last, net_amount desc nulls last, first_line_number asc nulls last
        ) as sequence
    from named_customers

),

-- An order belongs to one customer. Where its lines name several (an error of the source, of which a test warns), it is
-- theirs who were delivered as customers before whoever is only named, then theirs with most of its net amount, then
-- theirs whose line comes first.
chosen as (

    select * from candidates
    where sequence = 1

),

orders as (

    select
        summed.*,
        coalesce(chosen.customer_record_id, summed.lowest_record_id) as customer_record_id,
        coalesce(chosen.customers > 1, false) as has_several_customers
    from summed
    left join chosen on summed.order_id = chosen.order_id

)

select * from orders
