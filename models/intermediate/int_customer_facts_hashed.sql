{{ config(materialized="view") }}
{%- set of_orders = [
    'first_line_on', 'last_line_on', 'first_ordered_on', 'last_ordered_on', 'orders', 'order_lines', 'gross_revenue',
    'discounts', 'returns', 'net_revenue', 'cost_of_goods', 'contribution', 'net_revenue_without_cost', 'is_assumed',
] -%}
{%- set of_relationship = [
    'products', 'categories', 'categories_6m', 'channels', 'contracts', 'complaints', 'campaign_contacts',
    'campaign_answers', 'satisfaction', 'satisfaction_answers', 'withdrawn_consents', 'recurring',
] -%}

with

months as (

    select
        'orders' as fact,
        customer_id,
        {{ month_number('month') }} as month_number,
        {{ row_hash(of_orders) }} as row_hash
    from {{ ref('int_customer_order_months') }}
    union all
    select
        'relationship' as fact,
        customer_id,
        month_number,
        {{ row_hash(of_relationship) }} as row_hash
    from {{ ref('int_customer_changes') }}

),

first_months as (

    select
        customer_id,
        min(month_number) as month_number
    from months
    group by customer_id

),

-- What is said of the customer as a whole counts in all of their months, the first of which is that of the first fact.
customers as (

    select
        'customer' as fact,
        customers.customer_id,
        coalesce(
            least(first_months.month_number, {{ month_number('customers.first_seen_on') }}),
            first_months.month_number, {{ month_number('customers.first_seen_on') }}, 0
        ) as month_number,
        {{ row_hash(
            ['customers.first_seen_on', 'customers.is_left_censored', 'customers.acquisition_channel']
        ) }} as row_hash
    from {{ ref('int_customers') }} as customers
    left join first_months on customers.customer_id = first_months.customer_id

),

facts as (

    select * from months
    union all
    select * from customers

)

select * from facts
