with

context as (

    select * from {{ source('run', 'context') }}

),

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

customer_records as (

    select * from {{ ref('int_customer_records') }}

),

customer_order_months as (

    select * from {{ ref('int_customer_order_months') }}

),

erasures as (

    select * from {{ ref('stg_erasures') }}

),

golden_records as (

    select
        customer_id,
        acquisition_channel
    from {{ ref('int_golden_records_chosen') }}

),

customers as (

    select
        crosswalk.customer_id,
        {{ text_list('customer_records.source') }} as sources,
        count(*) as record_count,
        min(customer_records.record_id) as record_key,
        min(customer_records.first_seen_on) as first_seen_on,
        max(customer_records.last_seen_on) as last_seen_on
    from customer_records
    inner join crosswalk on customer_records.record_id = crosswalk.record_id
    group by crosswalk.customer_id
    union all
    select
        0 as customer_id,
        cast(null as string) as sources,
        0 as record_count,
        cast(null as bigint) as record_key,
        cast(null as date) as first_seen_on,
        cast(null as date) as last_seen_on

),

bought as (

    select
        customer_id,
        min(first_line_on) as first_line_on,
        max(last_line_on) as last_line_on,
        min(first_ordered_on) as first_ordered_on,
        max(last_ordered_on) as last_ordered_on,
        cast(sum(orders) as bigint) as orders
    from customer_order_months
    -- of months whose sales have expired only the money is known
    where first_line_on is not null
    group by customer_id

),

signed as (

    select distinct customer_id
    from {{ ref('int_contracts_identified') }}

),

erased as (

    select
        crosswalk.customer_id,
        min(erasures.requested_on) as erasure_requested_on
    from erasures
    inner join crosswalk on erasures.customer_record_id = crosswalk.record_id
    group by crosswalk.customer_id

),

summarised as (

    select
        customers.customer_id,
        customers.sources,
        customers.record_count,
        customers.record_key,
        least(customers.first_seen_on, bought.first_line_on) as first_seen_on,
        greatest(customers.last_seen_on, bought.last_line_on) as last_seen_on,
        bought.first_ordered_on,
        bought.last_ordered_on,
        coalesce(bought.orders, 0) as orders,
        bought.customer_id is not null or signed.customer_id is not null as has_bought_or_signed,
        golden_records.acquisition_channel,
        erased.erasure_requested_on
    from customers
    left join bought on customers.customer_id = bought.customer_id
    left join signed on customers.customer_id = signed.customer_id
    left join golden_records on customers.customer_id = golden_records.customer_id
    left join erased on customers.customer_id = erased.customer_id

),

-- The first day of the data is that of the first order: contracts and contacts may be dated long before the company's
-- orders begin. A company without orders counts from the first thing any customer did.
beginning as (

    select coalesce(min(first_ordered_on), min(first_seen_on)) as first_day
    from summarised

),

-- The one population of all marts. What somebody brought back they had bought, if before the data begin.
flagged as (

    select
        summarised.*,
        summarised.customer_id <> 0 and summarised.has_bought_or_signed as is_customer,
        summarised.customer_id <> 0 and summarised.orders > 0 as is_buyer,
        summarised.customer_id <> 0 and not summarised.has_bought_or_signed as is_prospect,
        summarised.customer_id <> 0 and coalesce(
            {{ days_from('beginning.first_day', 'summarised.first_seen_on') }} < context.left_censored_days, false
        ) as is_left_censored
    from summarised
    cross join beginning
    cross join context

)

select * from flagged
