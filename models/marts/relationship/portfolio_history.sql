with

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

-- What memory holds of days up to this one, and what this run adds to it.
decided as (

    select
        crosswalk.customer_id,
        kept.as_of_on,
        kept.run_sequence,
        kept.portfolio,
        kept.reason,
        kept.is_voluntary
    from {{ source('memory', 'portfolio_decisions') }} as kept
    inner join crosswalk on kept.record_id = crosswalk.record_id
    where kept.as_of_on <= {{ as_of() }}
    union all
    select
        customer_id,
        {{ as_of() }} as as_of_on,
        9000000000000000 as run_sequence,
        portfolio,
        reason,
        is_voluntary
    from {{ ref('int_portfolios_assigned') }}
    where is_changed and customer_id is not null

),

decisions_ranked as (

    select
        *,
        row_number() over (
            partition by customer_id, as_of_on order by run_sequence desc nulls last, portfolio asc nulls last
        ) as sequence
    from decided

),

-- Of several decisions of one day the last counts.
of_days as (

    select * from decisions_ranked
    where sequence = 1

),

compared as (

    select
        *,
        lag(portfolio) over (partition by customer_id order by as_of_on asc nulls first) as portfolio_before
    from of_days

),

stays as (

    select
        customer_id,
        portfolio,
        reason,
        is_voluntary,
        as_of_on as valid_from_on,
        lead(as_of_on) over (partition by customer_id order by as_of_on asc nulls first) as valid_until_on
    from compared
    where portfolio is distinct from portfolio_before

),

portfolio_history as (

    select
        ---------- ids
        customer_id,
        portfolio,

        ---------- why
        reason as assignment_reason,

        ---------- booleans
        is_voluntary,
        valid_until_on is null as is_current,

        ---------- dates
        valid_from_on,
        valid_until_on

    from stays
    where portfolio is not null

)

select * from portfolio_history
