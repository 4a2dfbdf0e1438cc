with

delivered as (

    {{ current_version('campaign_contacts') }}

),

campaign_contacts as (

    select
        ---------- ids
        record_id as campaign_contact_id,
        customer_record_id,
        campaign_record_id as campaign_id,

        ---------- the source's own keys
        source,
        record_key as campaign_contact_key,
        customer_key,
        campaign_key,

        ---------- what it was
        coalesce(role, 'contacted') as role,
        channel,

        ---------- booleans
        coalesce(is_date_assumed, false) as is_date_assumed,

        ---------- times
        contacted_at,
        {{ local_date('contacted_at') }} as contacted_on

    from delivered

)

select * from campaign_contacts
where contacted_on is null or contacted_on <= {{ as_of() }}
