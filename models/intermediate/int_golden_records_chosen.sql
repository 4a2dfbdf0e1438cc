{#- Where several records speak for a customer, each of these has a winner of its own. -#}
{%- set chosen_fields = [
    'given_name', 'family_name', 'full_name', 'company_name', 'email', 'phone', 'tax_id', 'loyalty_id', 'street',
    'postal_code', 'city', 'region', 'country', 'language',
] -%}
{{ config(materialized="view") }}

with

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

records as (

    select
        crosswalk.customer_id,
        customer_records.*,
        count(*) over (partition by crosswalk.customer_id) as delivered_records
    from {{ ref('stg_customers') }} as customer_records
    inner join crosswalk on customer_records.record_id = crosswalk.record_id

),

only_records as (

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
    from records
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

numbered as (

    select
        *,
        row_number() over (
            partition by customer_id
            order by
                case when attributes is null then 1 else 0 end asc nulls last,
                updated_at desc nulls last,
                record_id asc nulls last
        ) as by_change,
        row_number() over (
            partition by customer_id
            order by
                case when acquisition_channel is null then 1 else 0 end asc nulls last,
                acquired_on asc nulls last,
                record_id asc nulls last
        ) as by_acquisition
    from records
    where delivered_records > 1

),

-- A customer is won once, where the first record that names a channel says; what it cost to win them in each source was
-- spent. A record that says nothing takes nothing away.
summaries as (

    select
        customer_id,
        max(case when by_change = 1 then attributes end) as attributes,
        max(case when by_acquisition = 1 then acquisition_channel end) as acquisition_channel,
        min(acquired_on) as acquired_on,
        sum(acquisition_cost) as acquisition_cost,
        bool_and(coalesce(is_prospect, false)) as is_prospect,
        max(updated_at) as updated_at
    from numbered
    group by customer_id

),

golden_records as (

    select * from only_records
    union all
    select
        summaries.customer_id,
        {% for field in chosen_fields %}
            winners.{{ field }},
        {% endfor %}
        winners.birth_date,
        summaries.attributes,
        summaries.acquisition_channel,
        summaries.acquired_on,
        summaries.acquisition_cost,
        summaries.is_prospect,
        summaries.updated_at
    from summaries
    left join winners on summaries.customer_id = winners.customer_id

)

select * from golden_records
