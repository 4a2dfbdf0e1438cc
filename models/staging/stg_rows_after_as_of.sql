{#- Entities with an event time, and the day of the event. -#}
{%- set events = [
    ('transactions', local_date('ordered_at')),
    ('interactions', local_date('opened_at')),
    ('rewards', local_date('rewarded_at')),
    ('consents', local_date('decided_at')),
    ('erasures', local_date('requested_at')),
    ('campaign_contacts', local_date('contacted_at')),
    ('contracts', 'started_on'),
    ('campaigns', 'started_on'),
] -%}
{%- set states = ['customers', 'products'] -%}
{{ config(materialized="view") }}

with

-- The versions of each record that has one from after the as-of day; of age 1 is the latest.
{% for entity, day in events %}
    later_{{ entity }} as (

        select
            source,
            is_deleted,
            {{ day }} as happened_on,
            row_number() over (
                partition by record_id order by version desc nulls last, content_hash desc nulls last
            ) as age
        from {{ source('raw', entity) }}
        where
            batch_id in ({{ active_batches(entity) }})
            and record_id in (
                select later.record_id
                from {{ source('raw', entity) }} as later
                where {{ day }} > {{ as_of() }}
            )

    ),

{% endfor %}
-- Records of which no version is from the as-of day or before.
{% for entity in states %}
    later_{{ entity }} as (

        select
            source,
            record_id
        from {{ source('raw', entity) }}
        where batch_id in ({{ active_batches(entity) }})
        group by source, record_id
        having count(*) = count(case when {{ local_date('version_at') }} > {{ as_of() }} then 1 end)

    ),

{% endfor %}
counted as (

    {% for entity, _ in events %}
        select
            source,
            '{{ entity }}' as entity,
            count(*) as later_rows
        from later_{{ entity }}
        where age = 1 and happened_on > {{ as_of() }} and not is_deleted
        group by source
        union all
    {% endfor %}
    {% for entity in states %}
        select
            source,
            '{{ entity }}' as entity,
            count(*) as later_rows
        from later_{{ entity }}
        group by source
        {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from counted
