{{ config(materialized="view") }}

with

context as (

    select * from {{ source('run', 'context') }}

),

month_ends as (

    select distinct measured_on
    from {{ ref('int_customer_months_labelled') }}

),

sales as (

    select min(ordered_on) as first_ordered_on
    from {{ ref('int_order_days') }}

),

observed as (

    select
        campaigns.campaign_id,
        campaigns.held_out > 0 as is_randomised,
        windows.window_from_on,
        least(windows.window_until_on, context.as_of_on) as observed_until_on
    from {{ ref('int_campaigns') }} as campaigns
    inner join {{ ref('int_campaign_windows') }} as windows on campaigns.campaign_id = windows.campaign_id
    cross join context

),

-- As many days before as were observed since, and the last month-end whose labels were known when it began.
periods as (

    select
        observed.campaign_id,
        observed.is_randomised,
        observed.window_from_on,
        observed.observed_until_on,
        {{ days_after(
            'observed.window_from_on', '-1 - (' ~ days_from('observed.window_from_on', 'observed.observed_until_on') ~ ')'
        ) }} as before_from_on,
        max(month_ends.measured_on) as labelled_on
    from observed
    left join month_ends on observed.window_from_on > month_ends.measured_on
    group by all

),

known as (

    select
        periods.*,
        coalesce(periods.before_from_on >= sales.first_ordered_on, false) as has_before
    from periods
    cross join sales

)

select * from known
