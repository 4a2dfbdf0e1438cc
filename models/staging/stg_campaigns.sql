with

delivered as (

    {{ current_version('campaigns') }}

),

campaigns as (

    select
        ---------- ids
        record_id as campaign_id,
        source,
        record_key as campaign_key,

        ---------- what it was
        campaign_name,
        kind,
        approach,
        channel,
        goal,

        ---------- amounts, company currency
        budget_amount,
        fixed_cost,
        unit_cost,

        ---------- dates
        started_on,
        ended_on

    from delivered

)

select * from campaigns
where started_on <= {{ as_of() }}
