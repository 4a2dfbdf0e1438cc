with

delivered as (

    {{ current_version('orders') }}

),

orders as (

    select
        ---------- ids
        record_id as order_id,
        customer_record_id,
        campaign_record_id as campaign_id,
        return_of_order_id,
        batch_id,

        ---------- the source's own keys
        source,
        record_key as order_key,
        customer_key,
        campaign_key,
        return_of_order_key,

        ---------- where
        store_key,
        channel,
        coupon,
        status,
        currency,

        ---------- amounts of the whole order, company currency, without tax
        discount_amount,
        shipping_amount,
        fee_amount,
        tax_amount,

        ---------- times
        ordered_at,
        {{ local_date('ordered_at') }} as ordered_on,
        promised_on,
        {{ known_by_as_of('delivered_on') }} as delivered_on

    from delivered

)

select * from orders
where ordered_on <= {{ as_of() }}
