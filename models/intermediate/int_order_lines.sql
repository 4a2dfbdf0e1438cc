{{ config(pre_hook="{{ keep_join_sides() }}", post_hook="{{ choose_join_sides() }}") }}

with

product_costs as (

    select * from {{ ref('int_product_costs') }}

),

-- Always one row, so that the join below keeps every line.
company_margin as (

    select
        max(margin_rate) as margin_rate,
        bool_or(is_assumed) as is_assumed
    from {{ ref('stg_margin_rates') }}
    where department = '' and category = ''

),

ruled as (

    select
        order_lines.*,
        product_costs.unit_cost,
        coalesce(product_costs.margin_rate, company_margin.margin_rate) as margin_rate,
        case
            when product_costs.margin_rule is not null then product_costs.is_margin_assumed
            else company_margin.is_assumed
        end as is_margin_assumed,
        case
            when order_lines.stated_cost_amount is not null then 'line cost'
            when product_costs.unit_cost is not null and order_lines.quantity is not null then 'product unit cost'
            when product_costs.margin_rule is not null then product_costs.margin_rule
            when company_margin.margin_rate is not null then 'company margin'
            else 'missing'
        end as cost_rule
    from {{ ref('stg_transactions') }} as order_lines
    left join product_costs on order_lines.product_id = product_costs.product_id
    cross join company_margin

),

costed as (

    select
        *,
        {{ money("""case
            when cost_rule = 'line cost' then stated_cost_amount
            when cost_rule = 'product unit cost' then unit_cost * quantity
            else net_amount * (1 - margin_rate)
        end""") }} as cost_amount
    from ruled

),

order_lines as (

    select
        ---------- ids
        order_line_id,
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

        ---------- amounts, company currency, without tax
        quantity,
        gross_amount,
        discount_amount,
        net_amount,
        tax_amount,
        cost_amount,
        {{ money('net_amount - cost_amount') }} as contribution,
        currency,
        source_net_amount,

        ---------- rules
        cost_rule,

        ---------- booleans
        cost_rule not in ('line cost', 'product unit cost', 'missing')
        and coalesce(is_margin_assumed, false) as is_cost_assumed,
        is_return,

        ---------- times
        ordered_at,
        ordered_on,
        promised_on,
        delivered_on

    from costed

)

select * from order_lines
