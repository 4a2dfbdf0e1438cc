-- Who is a customer, a buyer, a prospect, a current customer is one answer under all marts; customer 0 is none of them.
with

customers as (

    select * from {{ ref('customers') }}

),

retention as (

    select * from {{ ref('customer_retention') }}

),

segments as (

    select * from {{ ref('customer_segments') }}

),

months as (

    select * from {{ ref('customer_months') }}
    where is_as_of

),

ranked as (

    select * from {{ ref('customer_value') }}

),

disagreeing as (

    select
        customers.customer_id,
        case
            when customers.customer_id = 0 and (customers.is_customer or customers.is_buyer or customers.is_prospect)
                then 'customer 0 is somebody'
            when customers.customer_id <> 0 and customers.is_customer = customers.is_prospect
                then 'both customer and prospect, or neither'
            when customers.is_buyer and not customers.is_customer then 'a buyer who is no customer'
            when customers.is_current_customer and not customers.is_customer then 'a current customer who is no customer'
            when customers.is_prospect <> coalesce(retention.state = 'prospect', false)
                then 'the state in customer_retention'
            when customers.is_prospect <> (customers.life_cycle_stage = 'prospect') then 'the life cycle stage'
            when
                customers.is_current_customer
                <> coalesce(retention.state not in ('prospect', 'lapsed', 'cancelled'), false)
                then 'the state of a current customer'
            when
                months.customer_id is not null
                and (
                    customers.is_customer <> months.is_customer
                    or customers.is_buyer <> months.is_buyer
                    or customers.is_prospect <> months.is_prospect
                    or customers.is_current_customer <> months.is_current_customer
                    or customers.customer_id <> 0 and months.state is null
                )
                then 'customer_months'
            when coalesce(segments.engagement_tier = 'gone', false) <> (customers.is_customer and not customers.is_current_customer)
                then 'engagement tier gone'
            when customers.is_prospect and (segments.value_tier is not null or segments.engagement_tier is not null)
                then 'the tier of a prospect'
            when customers.is_customer <> (ranked.vin_rank is not null) then 'a rank'
        end as reason
    from customers
    inner join retention on customers.customer_id = retention.customer_id
    inner join segments on customers.customer_id = segments.customer_id
    inner join ranked on customers.customer_id = ranked.customer_id
    left join months on customers.customer_id = months.customer_id

)

select * from disagreeing
where reason is not null
