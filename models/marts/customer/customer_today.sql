{{ config(materialized="view") }}

with

customers as (

    select * from {{ ref('customers') }}

),

customer_value as (

    select * from {{ ref('customer_value') }}

),

customer_retention as (

    select * from {{ ref('customer_retention') }}

),

customer_segments as (

    select * from {{ ref('customer_segments') }}

),

customer_engagement as (

    select * from {{ ref('customer_engagement') }}

),

customer_months as (

    select * from {{ ref('customer_months') }}
    where month = {{ month_of(as_of()) }}

),

last_orders as (

    select * from {{ ref('orders') }}
    where is_last_order

),

open_cases as (

    select
        customer_id,
        count(*) as open_cases,
        count(*) filter (where kind = 'complaint') as open_complaints
    from {{ ref('service_cases') }}
    where is_open
    group by customer_id

),

permissions as (

    select
        customer_id,
        bool_or(is_contactable) as has_contactable_channel
    from {{ ref('contact_permissions') }}
    group by customer_id

),

customer_today as (

    select
        ---------- ids
        customers.customer_id,
        customers.parent_customer_id,

        ---------- who they are
        customers.given_name,
        customers.family_name,
        customers.full_name,
        customers.company_name,
        customers.email,
        customers.phone,
        customers.city,
        customers.region,
        customers.country,
        customers.language,
        customers.age_band,
        customers.acquisition_channel,

        ---------- where they stand
        customers.life_cycle_stage,
        customer_retention.state,
        customer_retention.main_reason,
        customer_segments.value_tier,
        customer_segments.engagement_tier,
        customer_segments.rfm_group,
        customer_segments.micro_segment,
        customer_segments.strategy,
        customer_segments.strategy_advice,
        last_orders.main_category as last_category,
        customers.relationship_consent,
        customers.granted_purposes,

        ---------- counts and days
        customer_value.orders,
        customer_months.orders_12m,
        customers.active_contracts,
        coalesce(open_cases.open_cases, 0) as open_cases,
        coalesce(open_cases.open_complaints, 0) as open_complaints,
        customer_retention.days_since_last_order,
        customer_retention.days_since_last_activity,
        customer_value.vin_rank,
        customer_value.expected_decile,
        customer_value.horizon_months,

        ---------- amounts, company currency, without tax
        customer_value.net_revenue,
        customer_months.net_revenue_12m,
        customer_value.returns,
        customer_value.contribution,
        customer_value.cost_to_serve,
        customer_value.acquisition_cost,
        customer_value.realised_value,
        customer_months.monthly_recurring_amount,

        ---------- what is expected
        customer_value.expected_orders,
        customer_value.expected_value,
        customer_value.vin,
        customer_retention.expected_value_at_risk,
        customer_retention.p_alive,
        customer_retention.churn_probability,
        customer_retention.expected_days_between_orders,
        customer_engagement.engagement_score,
        customers.profile_completeness,

        ---------- booleans
        customers.is_identified,
        customers.is_company,
        customers.is_customer,
        customers.is_buyer,
        customers.is_prospect,
        customers.is_current_customer,
        customers.is_left_censored,
        customers.is_erasure_requested,
        coalesce(customer_retention.has_withdrawn_consent, false) as has_withdrawn_consent,
        coalesce(permissions.has_contactable_channel, false) as has_contactable_channel,

        ---------- dates
        customers.acquired_on,
        customers.first_seen_on,
        customers.first_ordered_on,
        customers.last_ordered_on,
        customer_retention.median_next_order_on

    from customers
    left join customer_value on customers.customer_id = customer_value.customer_id
    left join customer_retention on customers.customer_id = customer_retention.customer_id
    left join customer_segments on customers.customer_id = customer_segments.customer_id
    left join customer_engagement on customers.customer_id = customer_engagement.customer_id
    left join customer_months on customers.customer_id = customer_months.customer_id
    left join last_orders on customers.customer_id = last_orders.customer_id
    left join open_cases on customers.customer_id = open_cases.customer_id
    left join permissions on customers.customer_id = permissions.customer_id

)

select * from customer_today
