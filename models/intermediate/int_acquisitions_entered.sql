{{ config(materialized="view") }}

with

context as (

    select * from {{ source('run', 'context') }}

),

records as (

    select
        crosswalk.customer_id,
        records.record_id,
        records.source,
        records.acquisition_channel,
        records.acquisition_cost,
        records.acquired_on,
        coalesce(
            {{ month_of('records.acquired_on') }},
            {{ month_of('customers.first_seen_on') }},
            {{ month_of('context.as_of_on') }}
        ) as month
    from {{ ref('stg_customers') }} as records
    inner join {{ ref('int_customer_crosswalk') }} as crosswalk on records.record_id = crosswalk.record_id
    inner join {{ ref('int_customers') }} as customers on crosswalk.customer_id = customers.customer_id
    cross join context

),

acquisitions as (

    select
        customer_id,
        record_id,
        acquisition_channel,
        month,
        row_number() over (
            partition by customer_id order by acquired_on asc nulls last, record_id asc nulls last
        ) as sequence
    from records
    where
        acquired_on is not null
        and acquisition_channel is not null
        and customer_id not in (
            select stated.customer_id from records as stated
            where stated.acquisition_cost is not null
        )

),

-- A customer was won once, by the channel of their first record that names one; whose own cost is stated shares in no
-- other.
customers_won as (

    select * from acquisitions
    where sequence = 1

),

channel_costs as (

    select
        customers_won.customer_id,
        costs.month,
        costs.acquisition_channel,
        costs.cost_amount,
        costs.is_assumed,
        row_number() over (
            partition by costs.acquisition_channel, costs.month order by customers_won.record_id asc nulls last
        ) as place,
        count(*) over (partition by costs.acquisition_channel, costs.month) as members
    from {{ ref('stg_acquisition_costs') }} as costs
    left join customers_won
        on costs.acquisition_channel = customers_won.acquisition_channel and costs.month = customers_won.month

),

entries as (

    select
        customer_id,
        month,
        source,
        cast(null as bigint) as campaign_id,
        '' as campaign_key,
        'acquisition' as component,
        coalesce(acquisition_channel, '') as activity,
        'stated cost' as rule,
        false as is_assumed,
        1 as entries,
        -acquisition_cost as amount
    from records
    where acquisition_cost is not null
    union all
    select
        coalesce(customer_id, 0) as customer_id,
        month,
        'reference' as source,
        cast(null as bigint) as campaign_id,
        '' as campaign_key,
        'acquisition' as component,
        acquisition_channel as activity,
        case when customer_id is null then 'nobody won to spread it over' else 'spread over the customers won' end
            as rule,
        is_assumed,
        1 as entries,
        case
            when customer_id is null then -cost_amount
            else -({{ even_share('cost_amount', 'place', 'members') }})
        end as amount
    from channel_costs

)

select * from entries
