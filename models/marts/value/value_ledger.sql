{%- set kinds_of_cost = ['cost of goods', 'cost to serve', 'rewards', 'acquisition', 'campaigns', 'offers'] -%}

with

context as (

    select * from {{ source('run', 'context') }}

),

entries as (

    select * from {{ ref('int_sales_entered') }}
    union all
    select * from {{ ref('int_services_entered') }}
    union all
    select * from {{ ref('int_acquisitions_entered') }}
    union all
    select * from {{ ref('int_campaigns_entered') }}
    union all
    -- What facts came to whose time is over: no table holds them any more.
    select
        coalesce(crosswalk.customer_id, 0) as customer_id,
        expired.month,
        expired.source,
        expired.campaign_id,
        coalesce(expired.campaign_key, '') as campaign_key,
        expired.component,
        expired.activity,
        expired.rule,
        expired.is_assumed,
        expired.entries,
        expired.amount
    from {{ source('ledger', 'expired_amounts') }} as expired
    left join {{ ref('int_customer_crosswalk') }} as crosswalk on expired.customer_record_id = crosswalk.record_id
    where expired.month <= {{ as_of() }}

),

kinds_of_cost as (

    {% for component in kinds_of_cost %}
        select '{{ component }}' as component
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

known as (

    select distinct component
    from entries
    where rule <> 'missing'

),

-- A kind of cost that nothing is known of is named, at nothing, on the line of nobody.
unknown as (

    select kinds_of_cost.component
    from kinds_of_cost
    left join known on kinds_of_cost.component = known.component
    where known.component is null

),

ledger as (

    select * from entries
    union all
    select
        0 as customer_id,
        {{ month_of('context.as_of_on') }} as month,
        'none' as source,
        cast(null as bigint) as campaign_id,
        '' as campaign_key,
        unknown.component,
        '' as activity,
        'nothing delivered that tells it' as rule,
        false as is_assumed,
        0 as entries,
        0 as amount
    from unknown
    cross join context

),

value_ledger as (

    select
        ---------- ids
        customer_id,
        month,
        campaign_id,
        campaign_key,

        ---------- what it is
        component,
        activity,
        rule,
        source,

        ---------- numbers
        cast(sum(entries) as bigint) as entries,
        {{ money('sum(amount)') }} as amount,

        ---------- booleans
        is_assumed

    from ledger
    group by customer_id, month, campaign_id, campaign_key, component, activity, rule, source, is_assumed

)

select * from value_ledger
