{{ config(materialized="view") }}

with

customer_months as (

    select
        ---------- ids
        customer_id,
        month,
        month_end,

        ---------- counts
        orders,
        order_lines,

        ---------- amounts, company currency, without tax
        gross_revenue,
        discounts,
        returns,
        net_revenue,
        cost_of_goods,
        contribution,
        net_revenue_without_cost,

        ---------- since the beginning
        cumulative_orders,
        cumulative_net_revenue,
        cumulative_contribution,
        days_since_last_order,
        tenure_days,

        ---------- the last twelve months
        orders_12m,
        active_months_12m,
        net_revenue_12m,
        contribution_12m,
        discount_share_12m,
        categories_12m,
        products_12m,
        channels_12m,
        campaign_contacts_12m,
        campaign_answers_12m,
        satisfaction_12m,

        ---------- at the month's end
        active_contracts,
        monthly_recurring_amount,
        open_complaints,

        ---------- state and forecast
        state,
        life_cycle_stage,
        recency_ratio,
        p_alive,
        expected_value,

        ---------- engagement, tiers and segments
        engagement_score,
        engagement_tier,
        value_tier,
        recency_score,
        frequency_score,
        monetary_score,
        held_rfm_score,
        rfm_group,
        rule_segment,
        micro_segment,

        ---------- booleans
        is_customer,
        is_buyer,
        is_prospect,
        is_current_customer,
        is_left_censored,
        has_withdrawn_consent,
        is_assumed,
        is_month_complete,
        is_as_of

    from {{ ref('int_customer_months_labelled') }}

)

select * from customer_months
