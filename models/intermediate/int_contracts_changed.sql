{{ config(materialized="view") }}

with

contracts as (

    select * from {{ ref('int_contracts_identified') }}
    where customer_id <> 0

),

spells as (

    select * from {{ ref('int_contract_spells') }}
    where monthly_amount <> 0

),

-- A contract counts from its first day until the day on which it is over, an amount from the day on which it holds.
contracts_changed as (

    {% for table, measure, change, days in [
        ('contracts', 'contracts', '1', ['started_on', 'over_on']),
        ('spells', 'recurring', 'cast(monthly_amount * 10000 as bigint)', ['from_on', 'until_on']),
    ] %}
        {% for day in days %}
            select
                customer_id,
                {{ month_number(day) }} as month_number,
                '{{ measure }}' as measure,
                {{ '-' if not loop.first }}{{ change }} as change
            from {{ table }}
            where {{ day }} <= {{ as_of() }}
            {{ 'union all' if not loop.last }}
        {% endfor %}
        {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from contracts_changed
