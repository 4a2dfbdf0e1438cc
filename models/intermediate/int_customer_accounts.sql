with

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

records as (

    select
        crosswalk.customer_id,
        records.record_id,
        records.updated_at,
        parents.customer_id as parent_customer_id,
        coalesce(records.is_company, records.company_name is not null) as is_company
    from {{ ref('stg_customers') }} as records
    inner join crosswalk on records.record_id = crosswalk.record_id
    left join crosswalk as parents on records.parent_customer_record_id = parents.record_id

),

companies as (

    select
        customer_id,
        bool_or(is_company) as is_company
    from records
    group by customer_id

),

parents_named as (

    select
        customer_id,
        parent_customer_id,
        row_number() over (
            partition by customer_id order by updated_at desc nulls last, record_id asc nulls last
        ) as sequence
    from records
    where parent_customer_id is not null and parent_customer_id <> customer_id

),

-- The account that the record changed last names. Nobody is their own.
parents as (

    select * from parents_named
    where sequence = 1

),

customer_accounts as (

    select
        companies.customer_id,
        companies.is_company or companies.customer_id in (select named.parent_customer_id from parents as named)
            as is_company,
        parents.parent_customer_id
    from companies
    left join parents on companies.customer_id = parents.customer_id

)

select * from customer_accounts
