{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{% if is_incremental() %}{{ drop_touched_months('month') }}{% endif %}",
    )
}}
{%- set touched = is_touched('month') %}

with

months as (

    select * from {{ ref('int_customer_months') }}
    {% if is_incremental() %}
        where {{ touched }}
    {% endif %}

),

labels as (

    select * from {{ ref('int_rfm_scored') }}

),

segments as (

    select * from {{ ref('int_customer_segments') }}

),

rfm_groups as (

    select * from {{ ref('int_rfm_scores_named') }}

),

labelled as (

    select
        ---------- ids
        months.customer_id,
        months.month,
        months.month_end,
        months.measured_on,

        ---------- counts
        months.orders,
        months.order_lines,

        ---------- amounts, company currency, without tax
        months.gross_revenue,
        months.discounts,
        months.returns,
        months.net_revenue,
        months.cost_of_goods,
        months.contribution,
        months.net_revenue_without_cost,

        ---------- since the beginning
        months.cumulative_orders,
        months.cumulative_net_revenue,
        months.cumulative_contribution,
        months.days_since_last_order,
        months.tenure_days,

        ---------- the last twelve months
        months.orders_12m,
        months.active_months_12m,
        months.net_revenue_12m,
        months.contribution_12m,
        months.discount_share_12m,
        months.categories_12m,
        months.products_12m,
        months.channels_12m,
        months.campaign_contacts_12m,
        months.campaign_answers_12m,
        months.satisfaction_12m,

        ---------- at the month's end
        months.active_contracts,
        months.monthly_recurring_amount,
        months.open_complaints,

        ---------- state and forecast
        months.state,
        labels.life_cycle_stage,
        months.recency_ratio,
        months.p_alive,
        months.expected_value,

        ---------- engagement, tiers and segments
        labels.engagement_score,
        segments.engagement_tier,
        segments.value_tier,
        labels.recency_score,
        labels.frequency_score,
        labels.monetary_score,
        segments.held_rfm_score,
        -- the scores are held, the stage is today's: whoever has lapsed is called so at once
        case
            when segments.held_rfm_score is not null then coalesce(rfm_groups.group_name, 'No group')
        end as rfm_group,
        segments.rule_segment,
        segments.micro_segment,

        ---------- booleans
        months.is_customer,
        months.is_buyer,
        months.is_prospect,
        months.is_current_customer,
        months.is_left_censored,
        months.has_withdrawn_consent,
        months.is_assumed,
        months.is_month_complete,
        months.is_as_of

    from months
    left join labels on months.customer_id = labels.customer_id and months.measured_on = labels.measured_on
    left join segments on months.customer_id = segments.customer_id and months.measured_on = segments.measured_on
    left join rfm_groups
        on segments.held_rfm_score = rfm_groups.rfm_score and labels.life_cycle_stage = rfm_groups.life_cycle_stage

)

select * from labelled
