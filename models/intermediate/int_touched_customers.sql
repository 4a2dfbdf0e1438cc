with

current_facts as (

    select * from {{ ref('int_customer_facts_hashed') }}

),

facts_before as (

    select * from {{ source('run', 'built_facts') }}

),

touched_customers as (

    select
        coalesce(current_facts.customer_id, facts_before.customer_id) as customer_id,
        coalesce(current_facts.fact, facts_before.fact) as fact,
        coalesce(current_facts.month_number, facts_before.month_number) as month_number
    from current_facts
    full outer join facts_before
        on
            current_facts.customer_id = facts_before.customer_id
            and current_facts.fact = facts_before.fact
            and current_facts.month_number = facts_before.month_number
    where
        current_facts.row_hash is null
        or facts_before.row_hash is null
        or current_facts.row_hash <> facts_before.row_hash

)

select * from touched_customers
