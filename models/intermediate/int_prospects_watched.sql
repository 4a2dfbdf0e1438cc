{#- Days since entry from which a prospect is judged: who has not bought until then. -#}
{%- set ages = [0, 30, 90, 180, 365] -%}

with

context as (

    select * from {{ source('run', 'context') }}

),

contracts as (

    select
        customer_id,
        min(started_on) as first_started_on
    from {{ ref('int_contracts_identified') }}
    group by customer_id

),

golden_records as (

    select
        customer_id,
        acquisition_channel,
        acquired_on
    from {{ ref('int_golden_records_chosen') }}

),

entries as (

    select
        customers.customer_id,
        coalesce(golden_records.acquisition_channel, '') as acquisition_channel,
        least(golden_records.acquired_on, customers.first_seen_on) as entered_on,
        least(customers.first_ordered_on, contracts.first_started_on) as first_bought_on,
        customers.is_left_censored
    from {{ ref('int_customers') }} as customers
    left join golden_records on customers.customer_id = golden_records.customer_id
    left join contracts on customers.customer_id = contracts.customer_id
    where customers.customer_id <> 0

),

ages as (

    {% for age in ages %}
        select {{ age }} as from_days
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- Who had not bought by an age, and could be watched for a year from it: did they buy within that year?
prospects_watched as (

    select
        entries.acquisition_channel,
        ages.from_days,
        count(*) as prospects,
        count(*) filter (
            where {{ days_from('entries.entered_on', 'entries.first_bought_on') }} <= ages.from_days + 365
        ) as buyers
    from entries
    cross join ages
    cross join context
    where
        not entries.is_left_censored
        and {{ days_from('entries.entered_on', 'context.as_of_on') }} >= ages.from_days + 365
        and coalesce({{ days_from('entries.entered_on', 'entries.first_bought_on') }} > ages.from_days, true)
    group by entries.acquisition_channel, ages.from_days

)

select * from prospects_watched
