{#- The company's share counts beside a channel's own as so many prospects of it; fewer in all are no experience. -#}
{%- set company_weight, min_prospects = 20, 20 -%}

with

context as (

    select * from {{ source('run', 'context') }}

),

customers as (

    select * from {{ ref('int_customers') }}
    where is_prospect

),

golden_records as (

    select * from {{ ref('int_golden_records_chosen') }}

),

contacts as (

    select
        customer_id,
        count(*) filter (where kind <> 'session') as contacts,
        count(*) filter (where kind = 'session') as sessions,
        max(opened_on) as last_contact_on
    from {{ ref('int_interactions_identified') }}
    group by customer_id

),

campaigns as (

    select
        customer_id,
        count(*) as campaigns
    from {{ ref('int_campaign_members') }}
    where role = 'contacted'
    group by customer_id

),

watched as (

    select * from {{ ref('int_prospects_watched') }}

),

shares as (

    select
        acquisition_channel,
        from_days,
        coalesce(
            lead(from_days) over (partition by acquisition_channel order by from_days asc nulls last), 1000000
        ) as before_days,
        prospects,
        buyers,
        sum(prospects) over (partition by from_days) as company_prospects,
        sum(buyers) over (partition by from_days) as company_buyers
    from watched

),

-- What a new customer brings in the year that begins with their first order, of those whose year is over.
first_years as (

    select
        cast(sum(order_lines.contribution) as double) / nullif(count(distinct order_lines.customer_id), 0)
            as first_year_contribution
    from {{ ref('int_order_lines_identified') }} as order_lines
    inner join {{ ref('int_customers') }} as buyers on order_lines.customer_id = buyers.customer_id
    cross join context
    where
        buyers.customer_id <> 0
        and not buyers.is_left_censored
        and {{ days_from('buyers.first_ordered_on', 'context.as_of_on') }} >= 365
        and {{ days_from('buyers.first_ordered_on', 'order_lines.ordered_on') }} between 0 and 364

),

described as (

    select
        customers.customer_id,
        golden_records.acquisition_channel,
        golden_records.email is not null as has_email,
        golden_records.phone is not null as has_phone,
        golden_records.street is not null as has_street,
        customers.erasure_requested_on,
        least(golden_records.acquired_on, customers.first_seen_on) as entered_on,
        {{ days_from('least(golden_records.acquired_on, customers.first_seen_on)', 'context.as_of_on') }} as age_days
    from customers
    cross join context
    left join golden_records on customers.customer_id = golden_records.customer_id

),

foreseen as (

    select
        described.*,
        cast(shares.prospects as bigint) as similar_prospects,
        case
            when described.erasure_requested_on is not null then 'erasure requested'
            when described.age_days is null then 'not known since when'
            when shares.from_days is null then 'nobody of this channel and age was watched for a year'
            when shares.company_prospects < {{ min_prospects }}
                then 'too few prospects of this age were watched for a year'
            when first_years.first_year_contribution is null
                then 'no new customer has a year whose contribution is known'
        end as reason,
        cast(
            shares.buyers + {{ company_weight }} * cast(shares.company_buyers as double) / shares.company_prospects
            as double
        ) / (shares.prospects + {{ company_weight }}) as share_expected,
        first_years.first_year_contribution
    from described
    cross join first_years
    left join shares
        on
            coalesce(described.acquisition_channel, '') = shares.acquisition_channel
            and described.age_days >= shares.from_days
            and described.age_days < shares.before_days

),

prospects as (

    select
        ---------- ids
        foreseen.customer_id,

        ---------- what is known of them
        coalesce(contacts.contacts, 0) as contacts,
        coalesce(contacts.sessions, 0) as sessions,
        coalesce(campaigns.campaigns, 0) as campaigns,
        foreseen.age_days,

        ---------- what is expected of them
        case
            when foreseen.reason is null or foreseen.reason like 'no new customer%' then foreseen.share_expected
        end as first_order_probability,
        case when foreseen.reason is null then foreseen.share_expected * foreseen.first_year_contribution end
            as expected_first_year_contribution,
        foreseen.reason as no_expectation_reason,
        coalesce(foreseen.similar_prospects, 0) as similar_prospects,

        ---------- booleans
        coalesce(foreseen.has_email and foreseen.erasure_requested_on is null, false) as has_email,
        coalesce(foreseen.has_phone and foreseen.erasure_requested_on is null, false) as has_phone,
        coalesce(foreseen.has_street and foreseen.erasure_requested_on is null, false) as has_street,

        ---------- dates
        foreseen.entered_on,
        contacts.last_contact_on

    from foreseen
    left join contacts on foreseen.customer_id = contacts.customer_id
    left join campaigns on foreseen.customer_id = campaigns.customer_id

)

select * from prospects
