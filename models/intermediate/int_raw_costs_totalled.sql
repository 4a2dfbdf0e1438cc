{{ config(materialized="view") }}

with

context as (

    select * from {{ source('run', 'context') }}

),

known_batches as (

    select * from {{ ref('int_raw_batches_known') }}

),

cost_rates as (

    {{ latest_raw_version('cost_rates', is_state=true) }}

),

customers as (

    {{ latest_raw_version('customers', is_state=true) }}

),

acquisition_costs as (

    {{ latest_raw_version('acquisition_costs', is_state=true) }}

),

interactions as (

    {{ latest_raw_version('interactions') }}

),

rewards as (

    {{ latest_raw_version('rewards') }}

),

contacts as (

    select
        source,
        channel,
        kind,
        {{ local_date('opened_at') }} as happened_on,
        case
            when coalesce({{ local_date('resolved_at') }} <= {{ as_of() }}, true) then coalesce(minutes, 0) else 0
        end as minutes,
        count(*) as contacts
    from interactions
    group by all

),

contacts_priced as (

    select
        contacts.source,
        contacts.happened_on,
        contacts.contacts
        * {{ money("coalesce(rates.cost_per_contact, 0) + "
            ~ times("coalesce(rates.cost_per_minute, 0)", "contacts.minutes")) }}
            as cost,
        row_number() over (
            partition by contacts.source, contacts.channel, contacts.kind, contacts.happened_on, contacts.minutes
            order by
                case when coalesce(rates.kind, '') <> '' then 2 else 0 end
                + case when coalesce(rates.channel, '') <> '' then 1 else 0 end desc nulls last,
                rates.valid_from desc nulls last
        ) as sequence
    from contacts
    inner join cost_rates as rates
        on
            coalesce(nullif(rates.kind, ''), contacts.kind) = contacts.kind
            and coalesce(nullif(rates.channel, ''), coalesce(contacts.channel, '')) = coalesce(contacts.channel, '')
            and contacts.happened_on >= rates.valid_from
    where contacts.happened_on <= {{ as_of() }}

),

-- The most particular rate that was good on the day, the latest of them.
services as (

    select * from contacts_priced
    where sequence = 1

),

totals as (

    select
        source,
        {{ month_of('happened_on') }} as month,
        'cost to serve' as component,
        -cost as amount
    from services
    union all
    select
        source,
        {{ month_of(local_date('rewarded_at')) }} as month,
        'rewards' as component,
        -value_amount as amount
    from rewards
    where kind in ('redeemed', 'gift') and {{ local_date('rewarded_at') }} <= {{ as_of() }}
    union all
    select
        customers.source,
        {{ month_of('context.as_of_on') }} as month,
        'acquisition' as component,
        -customers.acquisition_cost as amount
    from customers
    cross join context
    union all
    select
        'reference' as source,
        {{ month_of('month') }} as month,
        'acquisition' as component,
        -cost_amount as amount
    from acquisition_costs
    where {{ month_of('month') }} <= {{ as_of() }}

)

select * from totals
