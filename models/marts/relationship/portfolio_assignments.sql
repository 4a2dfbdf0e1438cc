with

assigned as (

    select * from {{ ref('int_portfolios_assigned') }}
    where customer_id is not null

),

portfolio_assignments as (

    select
        ---------- ids
        customer_id,
        portfolio,
        previous_portfolio,

        ---------- why
        reason as assignment_reason,

        ---------- what they are worth there, and what they take
        portfolio_value,
        service_hours,

        ---------- booleans
        portfolio is not null as is_assigned,

        ---------- dates
        assigned_on

    from assigned

)

select * from portfolio_assignments
