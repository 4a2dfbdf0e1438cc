{{ config(materialized="view") }}

with

crosswalk as (

    select * from {{ ref('int_customer_crosswalk') }}

),

customers as (

    select * from {{ ref('int_customers') }}

),

-- Answers to a campaign: what the customer said to it, and what they ordered from it.
campaign_answers as (

    select
        crosswalk.customer_id,
        answers.campaign_id,
        answers.opened_on as answered_on
    from {{ ref('stg_interactions') }} as answers
    inner join crosswalk on answers.customer_record_id = crosswalk.record_id
    where answers.kind = 'response' and answers.campaign_id is not null
    union all
    select
        customer_id,
        campaign_id,
        ordered_on as answered_on
    from {{ ref('int_order_lines_identified') }}
    where campaign_id is not null and not is_return and customer_id <> 0

),

campaign_contacts as (

    select
        crosswalk.customer_id,
        contacts.campaign_id,
        min(contacts.contacted_on) as contacted_on
    from {{ ref('int_campaign_contacts_dated') }} as contacts
    inner join crosswalk on contacts.customer_record_id = crosswalk.record_id
    inner join customers on crosswalk.customer_id = customers.customer_id
    where contacts.role = 'contacted' and contacts.contacted_on >= customers.first_seen_on
    group by crosswalk.customer_id, contacts.campaign_id

),

-- An answer counts as long as its contact does.
answered_contacts as (

    select
        campaign_contacts.customer_id,
        campaign_contacts.campaign_id,
        {{ month_number('campaign_contacts.contacted_on') }} as contact_month_number,
        {{ month_number('min(campaign_answers.answered_on)') }} as answer_month_number
    from campaign_contacts
    left join campaign_answers
        on
            campaign_contacts.customer_id = campaign_answers.customer_id
            and campaign_contacts.campaign_id = campaign_answers.campaign_id
            and campaign_contacts.contacted_on <= campaign_answers.answered_on
    group by campaign_contacts.customer_id, campaign_contacts.campaign_id, campaign_contacts.contacted_on

)

select * from answered_contacts
