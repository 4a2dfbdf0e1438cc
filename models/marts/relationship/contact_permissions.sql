with

settings as (

    select * from {{ source('run', 'permission_settings') }}

),

permissions as (

    select * from {{ ref('int_permissions') }}

),

addresses as (

    select
        customer_id,
        email is not null as has_email,
        phone is not null as has_phone,
        street is not null as has_street
    from {{ ref('int_golden_records_chosen') }}

),

-- A complaint that nobody ever closed is not held against the company for longer than a year.
open_complaints as (

    select distinct complaints.customer_id
    from {{ ref('int_interactions_identified') }} as complaints
    cross join settings
    where
        settings.waits_for_complaints
        and complaints.kind = 'complaint'
        and complaints.resolved_on is null
        and {{ days_from('complaints.opened_on', as_of()) }} < 365

),

contacted_too_often as (

    select * from {{ ref('int_contact_limits_reached') }}

),

judged as (

    select
        permissions.*,
        case
            when permissions.withheld_reason is not null then permissions.withheld_reason
            when
                (permissions.channel = 'email' and not coalesce(addresses.has_email, false))
                or (permissions.channel in ('phone', 'sms') and not coalesce(addresses.has_phone, false))
                or (permissions.channel in ('post', 'visit') and not coalesce(addresses.has_street, false))
                then 'no address for the channel'
            when permissions.purpose = 'transactional' then null
            when open_complaints.customer_id is not null then 'open complaint'
            when contacted_too_often.customer_id is not null then 'too often'
        end as reason
    from permissions
    left join addresses on permissions.customer_id = addresses.customer_id
    left join open_complaints on permissions.customer_id = open_complaints.customer_id
    left join contacted_too_often
        on
            permissions.customer_id = contacted_too_often.customer_id
            and permissions.purpose = contacted_too_often.purpose
            and permissions.channel = contacted_too_often.channel

),

contact_permissions as (

    select
        ---------- ids
        customer_id,
        consent_id,

        ---------- what for, and how
        purpose,
        channel,

        ---------- the answer
        basis,
        reason,
        status,

        ---------- booleans
        reason is null as is_contactable,
        basis is not null as is_permitted,
        is_granted_by_default,

        ---------- dates
        decided_on

    from judged

)

select * from contact_permissions
