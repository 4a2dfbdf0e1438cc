with

delivered as (

    {{ current_version('transactions') }}

),

order_lines as (

    select
        ---------- ids
        record_id as order_line_id,
        order_id,
        return_of_order_id,
        customer_record_id,
        product_record_id as product_id,
        campaign_record_id as campaign_id,
        batch_id,

        ---------- the source's own keys
        source,
        order_key,
        coalesce(line_key, record_key) as line_key,
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
        unit_of_measure,
        -- whatever is weighed or measured is one item, however much of it there is
        case
            when quantity is null then case when coalesce(is_return, false) then -1 else 1 end
            when unit_of_measure is null then quantity
            else cast(sign(quantity) as tinyint)
        end as items,
        {{ money('coalesce(gross_amount, net_amount, 0)') }} as gross_amount,
        -- what the source states may differ from it by a cent; so that sums agree, it follows from the other two
        {{ money('coalesce(gross_amount - net_amount, 0)') }} as discount_amount,
        {{ money('coalesce(net_amount, 0)') }} as net_amount,
        tax_amount,
        cost_amount as stated_cost_amount,
        order_discount_amount,
        order_shipping_amount,
        order_fee_amount,
        order_tax_amount,
        currency,
        source_net_amount,

        ---------- booleans
        coalesce(is_return, false) as is_return,

        ---------- times; where the order's header states it, the line may not
        ordered_at,
        {{ local_date('ordered_at') }} as ordered_on,
        promised_on,
        {{ known_by_as_of('delivered_on') }} as delivered_on

    from delivered

)

select * from order_lines
where coalesce(ordered_on <= {{ as_of() }}, true)
