{{ config(materialized="view") }}

with

history as (

    select * from {{ ref('customer_record_history') }}

),

current_customers as (

    select
        customer_record_id,
        customer_id as current_customer_id
    from history
    where is_current

),

-- A retired id lives on where most of the records that bore it are now; the older customer on a tie.
followed as (

    select
        history.customer_id,
        current_customers.current_customer_id,
        count(distinct history.customer_record_id) as records,
        min(history.valid_from_on) as first_assigned_on,
        max(history.valid_until_on) as last_left_on
    from history
    inner join current_customers on history.customer_record_id = current_customers.customer_record_id
    group by history.customer_id, current_customers.current_customer_id

),

ranked as (

    select
        customer_id,
        current_customer_id,
        min(first_assigned_on) over (partition by customer_id) as first_assigned_on,
        max(last_left_on) over (partition by customer_id) as last_left_on,
        row_number() over (
            partition by customer_id
            order by
                case when current_customer_id = customer_id then 0 else 1 end asc nulls last,
                records desc nulls last,
                current_customer_id asc nulls last
        ) as place_in_line
    from followed

),

customer_ids as (

    select
        customer_id,
        current_customer_id,
        customer_id = current_customer_id as is_active,
        first_assigned_on,
        case when customer_id <> current_customer_id then last_left_on end as retired_on
    from ranked
    where place_in_line = 1

)

select * from customer_ids
