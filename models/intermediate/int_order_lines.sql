{{
    config(
        materialized="incremental",
        incremental_strategy="merge",
        unique_key="order_line_id",
        pre_hook="{{ keep_join_sides() }}",
        post_hook=["{{ choose_join_sides() }}", "delete from {{ this }} where is_gone"],
    )
}}
{#- Said before the question whether it is used, so that dbt sees what it reads even while nothing is built yet. -#}
{%- set changed_lines = changed_order_lines(this) %}

with

{% if is_incremental() %}
    changed as (

        {{ changed_lines }}

    ),

    current_lines as (

        select * from {{ ref('int_order_lines_headed') }}
        where order_line_id in (select changed.order_line_id from changed)

    ),

    -- what was a line and is none any more has only its id: it is merged as gone, and then deleted
    lines as (

        select
            changed.order_line_id as line_id,
            current_lines.*
        from (select distinct order_line_id from changed) as changed
        left join current_lines on changed.order_line_id = current_lines.order_line_id

    ),

{% else %}

    lines as (

        select
            order_line_id as line_id,
            *
        from {{ ref('int_order_lines_headed') }}

    ),

{% endif %}

spread as (

    select * from {{ ref('int_order_amounts_spread') }}

),

product_costs as (

    select * from {{ ref('int_cost_basis') }}
    where product_id <> 0

),

company_margin as (

    select * from {{ ref('int_cost_basis') }}
    where product_id = 0

),

ruled as (

    select
        lines.*,
        -- what the line bears of its order: a discount lowers what it brings
        coalesce(spread.discount_amount, 0) as order_discount_share,
        coalesce(spread.shipping_amount, 0) as shipping_amount,
        coalesce(spread.fee_amount, 0) as fee_amount,
        coalesce(lines.tax_amount, spread.tax_amount) as own_or_shared_tax,
        lines.net_amount - coalesce(spread.discount_amount, 0) as net_after_order,
        product_costs.unit_cost,
        coalesce(product_costs.margin_rate, company_margin.margin_rate) as margin_rate,
        case
            when product_costs.margin_rule is not null then product_costs.is_margin_assumed
            else company_margin.is_margin_assumed
        end as is_margin_assumed,
        case
            when lines.stated_cost_amount is not null then 'line cost'
            when product_costs.unit_cost is not null and lines.quantity is not null then 'product unit cost'
            when product_costs.margin_rule is not null then product_costs.margin_rule
            when company_margin.margin_rate is not null then 'company margin'
            else 'missing'
        end as cost_rule
    from lines
    left join spread on lines.order_line_id = spread.order_line_id
    left join product_costs on lines.product_id = product_costs.product_id
    cross join company_margin

),

costed as (

    select
        *,
        {{ money("""case
            when cost_rule = 'line cost' then stated_cost_amount
            when cost_rule = 'product unit cost' then """ ~ times("unit_cost", "quantity") ~ """
            else """ ~ times("net_after_order", "(1 - margin_rate)") ~ """
        end""") }} as cost_amount
    from ruled

),

order_lines as (

    select
        ---------- ids
        line_id as order_line_id,
        order_id,
        return_of_order_id,
        customer_record_id,
        product_id,
        campaign_id,
        batch_id,

        ---------- the source's own keys
        source,
        order_key,
        line_key,
        customer_key,
        product_key,
        campaign_key,
        return_of_order_key,

        ---------- where
        store_key,
        channel,
        coupon,
        status,

        ---------- amounts, company currency, without tax
        quantity,
        unit_of_measure,
        items,
        gross_amount,
        {{ money('discount_amount + order_discount_share') }} as discount_amount,
        {{ money('order_discount_share') }} as order_discount_amount,
        {{ money('net_after_order') }} as net_amount,
        {{ money('own_or_shared_tax') }} as tax_amount,
        {{ money('shipping_amount') }} as shipping_amount,
        {{ money('fee_amount') }} as fee_amount,
        cost_amount,
        {{ money('net_after_order - cost_amount') }} as contribution,
        currency,
        source_net_amount,

        ---------- rules
        cost_rule,

        ---------- booleans
        cost_rule not in ('line cost', 'product unit cost', 'missing')
        and coalesce(is_margin_assumed, false) as is_cost_assumed,
        is_return,
        order_line_id is null as is_gone,

        ---------- times
        ordered_at,
        ordered_on,
        promised_on,
        delivered_on

    from costed

)

select * from order_lines
