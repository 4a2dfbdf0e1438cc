{#- Fields that identify a person; a customer who asked to be forgotten has none. -#}
{%- set personal_fields = [
    'given_name', 'family_name', 'full_name', 'company_name', 'email', 'phone', 'tax_id', 'loyalty_id', 'birth_date',
    'street', 'postal_code', 'city', 'attributes',
] -%}

with

context as (

    select * from {{ source('run', 'context') }}

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

golden_records as (

    select * from {{ ref('int_golden_records_chosen') }}

),

contracts as (

    select
        customer_id,
        count(*) filter (where is_active) as active_contracts
    from {{ ref('int_contracts_identified') }}
    where customer_id <> 0
    group by customer_id

),

consents as (

    select * from {{ ref('int_consents_summarised') }}

),

accounts as (

    select * from {{ ref('int_customer_accounts') }}

),

profiles as (

    select * from {{ ref('int_profiles_completed') }}

),

joined as (

    select
        customers.*,
        golden_records.country,
        golden_records.region,
        golden_records.language,
        golden_records.acquired_on,
        golden_records.acquisition_cost,
        golden_records.is_prospect as is_stated_prospect,
        golden_records.updated_at,
        coalesce(contracts.active_contracts, 0) as active_contracts,
        case
            when customers.erasure_requested_on is not null and consents.relationship_consent = 'granted'
                then 'withdrawn'
            else consents.relationship_consent
        end as relationship_consent,
        case when customers.erasure_requested_on is null then consents.granted_purposes end as granted_purposes,
        consents.last_consent_on,
        accounts.parent_customer_id,
        coalesce(accounts.is_company, false) as is_company,
        case when customers.erasure_requested_on is null then profiles.profile_completeness end as profile_completeness,
        {% for field in personal_fields %}
            case when customers.erasure_requested_on is null then golden_records.{{ field }} end as {{ field }},
        {% endfor %}
        states.state,
        coalesce(states.state not in ('lapsed', 'cancelled'), false) as is_current_customer
    from customers
    left join golden_records on customers.customer_id = golden_records.customer_id
    left join contracts on customers.customer_id = contracts.customer_id
    left join consents on customers.customer_id = consents.customer_id
    left join accounts on customers.customer_id = accounts.customer_id
    left join profiles on customers.customer_id = profiles.customer_id
    left join states on customers.customer_id = states.customer_id

),

aged as (

    select
        joined.*,
        cast(
            floor(
                cast(
                    (extract(year from context.as_of_on) - extract(year from joined.birth_date)) * 10000
                    + (extract(month from context.as_of_on) - extract(month from joined.birth_date)) * 100
                    + extract(day from context.as_of_on) - extract(day from joined.birth_date)
                    as double
                ) / 10000
            ) as bigint
        ) as age
    from joined
    cross join context

),

described as (

    select
        ---------- ids
        customer_id,
        parent_customer_id,
        sources,

        ---------- golden record
        {% for field in personal_fields %}
            {{ field }},
        {% endfor %}
        case
            when age < 18 then 'under 18'
            {% for least, most in [(18, 24), (25, 34), (35, 44), (45, 54), (55, 64), (65, 74)] %}
                when age <= {{ most }} then '{{ least }} to {{ most }}'
            {% endfor %}
            when age <= 110 then '75 and over'
        end as age_band,
        region,
        country,
        language,
        acquisition_channel,
        {{ money('acquisition_cost') }} as stated_acquisition_cost,
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
        active_contracts,
        profile_completeness,

        ---------- booleans
        customer_id <> 0 as is_identified,
        is_company,
        is_left_censored,
        is_customer,
        is_buyer,
        is_prospect,
        is_current_customer,
        coalesce(is_stated_prospect, false) as is_stated_prospect,
        erasure_requested_on is not null as is_erasure_requested,

        ---------- dates
        acquired_on,
        first_seen_on,
        last_seen_on,
        first_ordered_on,
        last_ordered_on,
        last_consent_on,
        erasure_requested_on,
        updated_at

    from aged

)

select * from described
