{#- The channels that customers are reached in, whether or not anybody said something about them. -#}
{%- set channels = ['email', 'phone', 'sms', 'post'] -%}

with

consents as (

    select * from {{ ref('int_consents_held') }}

),

defaults as (

    {{ listed_settings(source('run', 'permission_settings'), 'defaults') }}

),

limits as (

    {{ listed_settings(source('run', 'permission_settings'), 'limits') }}

),

purposes as (

    select 'relationship' as purpose
    union
    select 'transactional' as purpose
    union
    select purpose from consents
    union
    select purpose from defaults
    union
    select purpose from limits

),

channels as (

    {% for channel in channels %}
        select '{{ channel }}' as channel
        union
    {% endfor %}
    select channel from consents
    where channel is not null
    union
    select channel from defaults
    where channel is not null
    union
    select channel from limits
    where channel is not null
    union
    select channel from {{ ref('int_outbound_contacts') }}
    where channel is not null

),

terms as (

    select
        purposes.purpose,
        channels.channel
    from purposes
    cross join channels

),

defaults_ranked as (

    select
        terms.purpose,
        terms.channel,
        coalesce(defaults.status = 'granted', false) as is_granted_by_default,
        row_number() over (
            partition by terms.purpose, terms.channel
            order by
                case when defaults.purpose = terms.purpose then 1 else 2 end asc nulls last,
                case when defaults.channel is null then 2 else 1 end asc nulls last
        ) as sequence
    from terms
    left join defaults on {{ covers('defaults', 'terms') }}

),

-- Of several defaults that fit the narrowest counts: first by purpose, then by channel.
permission_terms as (

    select
        purpose,
        channel,
        is_granted_by_default
    from defaults_ranked
    where sequence = 1

)

select * from permission_terms
