{#- Every table that names customers, with the day on which the customer themselves did something, if the row tells. -#}
{%- set mentions = [
    ('int_order_lines', 'ordered_on'),
    ('stg_contracts', 'started_on'),
    ('stg_interactions', 'opened_on'),
    ('stg_rewards', 'rewarded_on'),
    ('stg_consents', 'decided_on'),
    ('stg_erasures', 'requested_on'),
    ('stg_campaign_contacts', none),
] -%}

with

delivered as (

    select
        record_id,
        source,
        customer_key,
        cast(null as date) as first_seen_on,
        cast(null as date) as last_seen_on,
        true as is_delivered
    from {{ ref('stg_customers') }}

),

mentioned as (

    {% for model, day in mentions %}
        select
            customer_record_id as record_id,
            min(source) as source,
            any_value(customer_key) as customer_key,
            {% if day %}min({{ day }}){% else %}cast(null as date){% endif %} as first_seen_on,
            {% if day %}max({{ day }}){% else %}cast(null as date){% endif %} as last_seen_on,
            false as is_delivered
        from {{ ref(model) }}
        where customer_record_id is not null
        group by customer_record_id
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

-- Whose facts have expired stays who they are, to the month.
expired as (

    select
        customer_record_id as record_id,
        min(source) as source,
        cast(null as string) as customer_key,
        min(month) as first_seen_on,
        max(month) as last_seen_on,
        false as is_delivered
    from (
        select
            customer_record_id,
            source,
            month
        from {{ source('ledger', 'expired_amounts') }}
        union all
        select
            customer_record_id,
            source,
            month
        from {{ source('ledger', 'expired_points') }}
    ) as totals
    where customer_record_id is not null and month <= {{ as_of() }}
    group by customer_record_id

),

everywhere as (

    select * from delivered
    union all
    select * from mentioned
    union all
    select * from expired

),

customer_records as (

    select
        ---------- ids
        record_id,
        -- sources that share their ids: the one that delivered the customer
        coalesce(min(source) filter (where is_delivered), min(source)) as source,
        coalesce(any_value(customer_key), 'expired-' || cast(record_id as string)) as customer_key,

        ---------- dates
        min(first_seen_on) as first_seen_on,
        max(last_seen_on) as last_seen_on,

        ---------- booleans
        bool_or(is_delivered) as is_delivered

    from everywhere
    group by record_id

)

select * from customer_records
