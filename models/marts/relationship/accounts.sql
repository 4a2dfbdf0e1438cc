with

members as (

    select
        parent_customer_id as account_customer_id,
        customer_id
    from {{ ref('int_customer_accounts') }}
    where parent_customer_id is not null

),

-- An account is one of its own customers too: what it bought under its own name counts.
accounts as (

    select * from members
    union
    select
        account_customer_id,
        account_customer_id as customer_id
    from members

),

cases as (

    select
        customer_id,
        count(*) as cases,
        count(*) filter (where is_open) as open_cases,
        count(*) filter (where is_open and kind = 'complaint') as open_complaints
    from {{ ref('service_cases') }}
    group by customer_id

),

permissions as (

    select
        customer_id,
        bool_or(is_contactable and purpose <> 'transactional') as is_contactable
    from {{ ref('contact_permissions') }}
    group by customer_id

),

pipeline as (

    select
        customer_id,
        count(*) as open_proposals,
        sum(amount) as open_amount
    from {{ ref('sales_pipeline') }}
    where is_open
    group by customer_id

),

summed as (

    select
        ---------- ids
        accounts.account_customer_id,

        ---------- counts
        count(*) filter (where accounts.customer_id <> accounts.account_customer_id) as contacts,
        count(*) filter (where permissions.is_contactable) as contactable_contacts,
        cast(coalesce(sum(customer_value.orders), 0) as bigint) as orders,
        cast(coalesce(sum(cases.cases), 0) as bigint) as cases,
        cast(coalesce(sum(cases.open_cases), 0) as bigint) as open_cases,
        cast(coalesce(sum(cases.open_complaints), 0) as bigint) as open_complaints,
        cast(coalesce(sum(pipeline.open_proposals), 0) as bigint) as open_proposals,

        ---------- amounts, company currency, without tax
        {{ money('coalesce(sum(pipeline.open_amount), 0)') }} as open_proposal_amount,
        {{ money('coalesce(sum(customer_value.net_revenue), 0)') }} as net_revenue,
        {{ money('sum(customer_value.contribution)') }} as contribution,
        {{ money('sum(customer_value.realised_value)') }} as realised_value,
        sum(customer_value.expected_value) as expected_value,
        sum(customer_value.vin) as vin,

        ---------- dates
        max(customers.last_ordered_on) as last_ordered_on

    from accounts
    left join {{ ref('customer_value') }} as customer_value on accounts.customer_id = customer_value.customer_id
    left join {{ ref('int_customers') }} as customers on accounts.customer_id = customers.customer_id
    left join cases on accounts.customer_id = cases.customer_id
    left join permissions on accounts.customer_id = permissions.customer_id
    left join pipeline on accounts.customer_id = pipeline.customer_id
    group by accounts.account_customer_id

)

select * from summed
