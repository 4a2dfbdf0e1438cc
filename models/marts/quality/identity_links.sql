{%- set weights = [
    'given', 'family', 'birth_date', 'email', 'phone', 'tax_id', 'loyalty_id', 'address', 'prior', 'cap',
    'namesake',
] -%}
{{ config(materialized="view") }}

with

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

members as (

    select * from {{ left_by(ref('int_customers_assigned'), source('identity', 'members')) }}

),

-- Records that say exactly the same are one piece of evidence; the smallest speaks for it.
speakers as (

    select
        node,
        min(record_id) as record_id
    from members
    group by node

),

between_pieces as (

    select
        least(one.record_id, other.record_id) as customer_record_id,
        greatest(one.record_id, other.record_id) as other_customer_record_id,
        evidence.status,
        evidence.rule,
        evidence.match_weight,
        {% for field in weights %}
            evidence.{{ field }}_weight,
        {% endfor %}
        evidence.is_weak,
        evidence.is_doubtful,
        evidence.is_by_home_alone,
        evidence.reason
    from {{ left_by(ref('int_customers_assigned'), source('identity', 'link_evidence')) }} as evidence
    inner join speakers as one on evidence.node_l = one.node
    inner join speakers as other on evidence.node_r = other.node

),

within_pieces as (

    select
        speakers.record_id as customer_record_id,
        members.record_id as other_customer_record_id,
        'linked' as status,
        'identical' as rule,
        cast(null as double) as match_weight,
        {% for field in weights %}
            cast(null as double) as {{ field }}_weight,
        {% endfor %}
        false as is_weak,
        members.is_doubtful,
        members.is_by_home_alone,
        cast(null as string) as reason
    from members
    inner join speakers on members.node = speakers.node
    where members.record_id <> speakers.record_id

),

links as (

    select * from between_pieces
    union all
    select * from within_pieces

),

identity_links as (

    select
        ---------- ids
        links.customer_record_id,
        links.other_customer_record_id,
        one.customer_id,
        other.customer_id as other_customer_id,

        ---------- evidence
        links.status,
        links.rule,
        links.reason,
        links.match_weight,
        {% for field in weights %}
            links.{{ field }}_weight,
        {% endfor %}

        ---------- booleans
        links.is_weak,
        links.is_doubtful,
        links.is_by_home_alone

    from links
    inner join crosswalk as one on links.customer_record_id = one.record_id
    inner join crosswalk as other on links.other_customer_record_id = other.record_id

)

select * from identity_links
