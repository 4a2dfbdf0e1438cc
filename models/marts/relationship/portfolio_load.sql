with

portfolios as (

    select * from {{ ref('stg_portfolios') }}

),

assigned as (

    select * from {{ ref('int_portfolios_assigned') }}

),

summed as (

    select
        portfolio,
        count(*) as customers,
        sum(service_hours) as service_hours,
        sum(portfolio_value) as portfolio_value
    from assigned
    where customer_id is not null and portfolio is not null
    group by portfolio

),

refused as (

    select
        portfolio,
        reason
    from assigned
    where customer_id is null

),

loaded as (

    select
        portfolios.*,
        coalesce(summed.customers, 0) as customers,
        coalesce(summed.service_hours, 0) as service_hours,
        coalesce(summed.portfolio_value, 0) as portfolio_value,
        refused.reason as refused_because,
        coalesce(portfolios.opened_on <= {{ as_of() }}, true) and coalesce(portfolios.closed_on > {{ as_of() }}, true)
            as is_open
    from portfolios
    left join summed on portfolios.portfolio = summed.portfolio
    left join refused on portfolios.portfolio = refused.portfolio

),

filled as (

    select
        *,
        cast(customers as double) / nullif(capacity, 0) as customers_filled_share,
        cast(service_hours as double) / nullif(cast(capacity_hours as double), 0) as hours_filled_share,
        avg(case when is_open then portfolio_value end) over () as mean_portfolio_value
    from loaded

),

portfolio_load as (

    select
        ---------- ids
        portfolio,
        manager,

        ---------- counts and hours
        cast(capacity as bigint) as capacity,
        customers,
        cast(capacity_hours as double) as capacity_hours,
        service_hours,

        ---------- amounts, company currency
        portfolio_value,

        ---------- shares
        customers_filled_share,
        hours_filled_share,
        cast(portfolio_value as double) / nullif(mean_portfolio_value, 0) as value_to_mean,

        ---------- why it holds nobody
        refused_because,

        ---------- booleans
        is_open

    from filled

)

select * from portfolio_load
