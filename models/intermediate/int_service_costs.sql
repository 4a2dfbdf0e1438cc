with

priced as (

    select * from {{ ref('int_contact_costs') }}

),

service_costs as (

    select
        ---------- ids
        customer_id,
        source,

        ---------- dates
        opened_on,

        ---------- what it was, and by which rule it has its cost
        kind,
        rule,

        ---------- numbers
        count(*) as contacts,
        {{ money('sum(cost_amount)') }} as cost_amount,

        ---------- booleans
        is_priced,
        is_assumed

    from priced
    group by customer_id, source, opened_on, kind, rule, is_priced, is_assumed

)

select * from service_costs
