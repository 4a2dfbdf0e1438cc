{{ config(materialized="view") }}

with

limits as (

    {{ listed_settings(source('run', 'permission_settings'), 'limits') }}

),

limits_reached as (

    select
        contacts.customer_id,
        limits.purpose,
        limits.channel
    from {{ ref('int_outbound_contacts') }} as contacts
    inner join limits
        on
            coalesce(contacts.channel = limits.channel, limits.channel is null)
            and {{ days_from('contacts.contacted_on', as_of()) }} < limits.per_days
    group by contacts.customer_id, limits.purpose, limits.channel, limits.max_contacts, limits.per_days
    having count(*) >= limits.max_contacts

),

contacted_too_often as (

    select distinct
        limits_reached.customer_id,
        terms.purpose,
        terms.channel
    from limits_reached
    inner join {{ ref('int_permission_terms') }} as terms on {{ covers('limits_reached', 'terms') }}

)

select * from contacted_too_often
