{#- Fields that identify a person; a customer who asked to be forgotten has none. -#}
{%- set personal_fields = [
    'given_name', 'family_name', 'full_name', 'company_name', 'email', 'phone', 'tax_id', 'loyalty_id', 'birth_date',
    'street', 'postal_code', 'city', 'attributes',
] -%}
{#- Where several records speak for a customer, each of these has a winner of its own. -#}
{%- set chosen_fields = [
    'given_name', 'family_name', 'full_name', 'company_name', 'email', 'phone', 'tax_id', 'loyalty_id', 'street',
    'postal_code', 'city', 'region', 'country', 'language',
] -%}

with

context as (

    select * from {{ source('run', 'context') }}

),

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

customers as (

    select * from {{ ref('int_customers') }}

),

states as (

    select
        states.customer_id,
        states.state
    from {{ ref('int_customer_states') }} as states
    inner join context on states.measured_on = context.as_of_on

),

records as (

    select
        crosswalk.customer_id,
        customer_records.*
    from {{ ref('stg_customers') }} as customer_records
    inner join crosswalk on customer_records.record_id = crosswalk.record_id

),

numbered as (

    select
        *,
        count(*) over (partition by customer_id) as delivered_records
    from records

),

speaking_alone as (

    select
        customer_id,
        {% for field in chosen_fields %}
            {{ field }},
        {% endfor %}
        birth_date,
        attributes,
        acquisition_channel,
        acquired_on,
        acquisition_cost,
        is_prospect,
        updated_at
    from numbered
    where delivered_records = 1

),

winners as (

    select
        customer_id,
        {% for field in chosen_fields %}
            max(case when field = '{{ field }}' then value end) as {{ field }},
        {% endfor %}
        cast(max(case when field = 'birth_date' then value end) as date) as birth_date
    from {{ ref('int_customer_field_values') }}
    where is_winner
    group by customer_id

),

ordered as (

    select
        *,
        row_number() over (
            partition by customer_id order by updated_at desc nulls last, record_id asc nulls last
        ) as by_change,
        row_number() over (
            partition by customer_id order by acquired_on asc nulls last, record_id asc nulls last
        ) as by_acquisition
    from numbered
    where delivered_records > 1

),

-- A customer is won once, where he was first won; what it cost to win him in each source was spent.
speaking_together as (

    select
        customer_id,
        max(case when by_change = 1 then attributes end) as attributes,
        max(case when by_acquisition = 1 then acquisition_channel end) as acquisition_channel,
        min(acquired_on) as acquired_on,
        sum(acquisition_cost) as acquisition_cost,
        bool_and(coalesce(is_prospect, false)) as is_prospect,
        max(updated_at) as updated_at
    from ordered
    group by customer_id

),

golden as (

    select * from speaking_alone
    union all
    select
        together.customer_id,
        {% for field in chosen_fields %}
            winners.{{ field }},
        {% endfor %}
        winners.birth_date,
        together.attributes,
        together.acquisition_channel,
        together.acquired_on,
        together.acquisition_cost,
        together.is_prospect,
        together.updated_at
    from speaking_together as together
    left join winners on together.customer_id = winners.customer_id

),

contracts as (

    select
        crosswalk.customer_id,
        count(*) as contracts,
        count(*) filter (
            where contracts.cancelled_on is null and coalesce(contracts.ends_on >= context.as_of_on, true)
        ) as contracts_in_force
    from {{ ref('stg_contracts') }} as contracts
    inner join crosswalk on contracts.customer_record_id = crosswalk.record_id
    cross join context
    group by crosswalk.customer_id

),

consents as (

    select
        crosswalk.customer_id,
        consents.*
    from {{ ref('stg_consents') }} as consents
    inner join crosswalk on consents.customer_record_id = crosswalk.record_id

),

-- The latest decision about each purpose and channel; of two at one instant the one that allows less.
consents_in_force as (

    select *
    from consents
    qualify
        row_number() over (
            partition by customer_id, purpose, coalesce(channel, '')
            order by decided_at desc nulls last, status desc nulls last, consent_id asc nulls last
        ) = 1

),

consent_summary as (

    select
        customer_id,
        max(status) filter (where purpose = 'relationship' and channel is null) as relationship_consent,
        {{ text_list("case when status = 'granted' then purpose || coalesce(' by ' || channel, '') end") }}
            as granted_purposes,
        max(decided_on) as last_consent_on
    from consents_in_force
    group by customer_id

),

joined as (

    select
        customers.*,
        golden.country,
        golden.region,
        golden.language,
        golden.acquisition_channel,
        golden.acquired_on,
        golden.acquisition_cost,
        golden.is_prospect,
        golden.updated_at,
        coalesce(contracts.contracts_in_force, 0) as contracts_in_force,
        consent_summary.relationship_consent,
        consent_summary.granted_purposes,
        consent_summary.last_consent_on,
        {% for field in personal_fields %}
            case when customers.erasure_requested_on is null then golden.{{ field }} end as {{ field }},
        {% endfor %}
        states.state
    from customers
    left join golden on customers.customer_id = golden.customer_id
    left join contracts on customers.customer_id = contracts.customer_id
    left join consent_summary on customers.customer_id = consent_summary.customer_id
    left join states on customers.customer_id = states.customer_id

),

final as (

    select
        ---------- ids
        customer_id,
        sources,

        ---------- golden record
        {% for field in personal_fields %}
            {{ field }},
        {% endfor %}
        region,
        country,
        language,
        acquisition_channel,
        {{ money('acquisition_cost') }} as acquisition_cost,
        case when erasure_requested_on is not null then 'erasure requested' end as withheld_reason,

        ---------- life cycle
        case
            when customer_id = 0 then 'not identified'
            when state in ('active', 'returned') then 'active'
            when state in ('slowing', 'at_risk') then 'declining'
            when state in ('lapsed', 'cancelled') then 'lapsed'
            else coalesce(state, 'prospect')
        end as life_cycle_stage,
        relationship_consent,
        granted_purposes,

        ---------- counts
        cast(record_count as bigint) as record_count,
        orders,
        contracts_in_force,

        ---------- booleans
        customer_id <> 0 as is_identified,
        is_left_censored,
        coalesce(is_prospect, false) as is_stated_prospect,
        erasure_requested_on is not null as is_erasure_requested,

        ---------- dates
        acquired_on,
        first_seen_on,
        last_seen_on,
        first_order_on,
        last_order_on,
        last_consent_on,
        erasure_requested_on,
        updated_at

    from joined

)

select * from final
