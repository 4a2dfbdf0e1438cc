{{ config(materialized="view") }}

with

-- Who is billed by order lines: there the lines say what was charged.
billed as (

    select distinct customer_id
    from {{ ref('int_contract_charges') }}

),

contracts as (

    select *
    from {{ ref('int_contract_terms') }}
    where customer_id not in (select billed.customer_id from billed)

),

spells as (

    select * from {{ ref('int_contract_spells') }}
    where not is_paused

),

months as (

    select distinct {{ month_number('month') }} as month_number
    from {{ ref('int_calendar') }}

),

due_days as (

    select
        contracts.contract_id,
        contracts.customer_id,
        case
            when contracts.recurring_amount <> 0
                then
                    cast(coalesce(contracts.contribution, contracts.recurring_amount) as double)
                    / cast(contracts.recurring_amount as double)
        end as contribution_rate,
        cast(
            contracts.started_on
            + interval '1' month * (months.month_number - {{ month_number('contracts.started_on') }}) as date
        ) as due_on
    from contracts
    inner join months
        on
            {{ month_number('contracts.started_on') }} <= months.month_number
            and (months.month_number - {{ month_number('contracts.started_on') }}) % contracts.period_months = 0

),

contract_dues as (

    select
        ---------- ids
        due_days.contract_id,
        due_days.customer_id,

        ---------- amounts, company currency, without tax; the net amount where no cost is known
        cast(spells.recurring_amount as double) * due_days.contribution_rate as contribution,

        ---------- dates
        due_days.due_on

    from due_days
    inner join spells
        on
            due_days.contract_id = spells.contract_id
            and due_days.due_on >= spells.from_on
            and due_days.due_on < coalesce(spells.until_on, due_days.due_on + 1)
    where due_days.due_on <= {{ as_of() }}

)

select * from contract_dues
