{%- set segmentations = [
    'life_cycle_stage', 'value_tier', 'engagement_tier', 'rfm_group', 'rule_segment', 'micro_segment',
] -%}

with

segments as (

    select * from {{ ref('int_segments_measured') }}

),

months as (

    select
        *,
        (select {{ month_number('as_of_on') }} from {{ source('run', 'context') }}
        )
        - {{ month_number('month') }} as back
    from {{ ref('customer_months') }}
    where customer_id <> 0

),

today as (

    select
        customer_id,
        is_current_customer
    from months
    where is_as_of

),

-- Who was in the segment some months ago, and who of them is still a customer.
earlier as (

    {% for segmentation in segmentations %}
        select
            '{{ segmentation }}' as segmentation,
            {% for back in [1, 3, 12] %}
                count(*) filter (where months.back = {{ back }}) as customers_{{ back }}m_ago,
                count(*) filter (where months.back = {{ back }} and months.is_current_customer)
                    as there_{{ back }}m_ago,
                count(*) filter (
                    where months.back = {{ back }} and months.is_current_customer and today.is_current_customer
                ) as kept_{{ back }}m,
            {% endfor %}
            months.{{ segmentation }} as segment
        from months
        inner join today on months.customer_id = today.customer_id
        where months.back in (1, 3, 12) and months.{{ segmentation }} is not null
        group by months.{{ segmentation }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

portraits as (

    select * from {{ ref('int_segment_portraits') }}

),

last_fit as (

    select
        'micro_segment' as segmentation,
        max(fitted_on) as fitted_on,
        max_by(silhouette, fitted_on) as silhouette,
        max_by(stability, fitted_on) as stability
    from {{ ref('int_customer_segments') }}
    where fitted_on is not null

),

segment_profiles as (

    select
        ---------- ids
        segments.segmentation,
        segments.segment,
        portraits.proposed_name,

        ---------- size and its trend
        segments.customers,
        cast(segments.customers as double) / segments.customers_in_all as share_of_customers,
        coalesce(earlier.customers_1m_ago, 0) as customers_1m_ago,
        coalesce(earlier.customers_3m_ago, 0) as customers_3m_ago,
        coalesce(earlier.customers_12m_ago, 0) as customers_12m_ago,

        ---------- value, company currency
        cast(segments.expected_value as double) as expected_value,
        cast(segments.expected_value as double)
        / nullif(cast(sum(segments.expected_value) over (partition by segments.segmentation) as double), 0)
            as share_of_expected_value,
        cast(segments.value_at_risk as double) as expected_value_at_risk,
        {{ money('segments.net_revenue_12m') }} as net_revenue_12m,

        ---------- retention
        segments.mean_p_alive,
        segments.mean_churn_probability,
        cast(earlier.kept_3m as double) / nullif(earlier.there_3m_ago, 0) as share_kept_3m,
        cast(earlier.kept_12m as double) / nullif(earlier.there_12m_ago, 0) as share_kept_12m,

        ---------- engagement and what sets it apart
        segments.mean_engagement_score,
        portraits.compared_with,
        portraits.distinguishing_features,

        ---------- of the micro-segments' last fit
        last_fit.silhouette,
        last_fit.stability,
        last_fit.fitted_on

    from segments
    left join earlier on segments.segmentation = earlier.segmentation and segments.segment = earlier.segment
    left join portraits on segments.segmentation = portraits.segmentation and segments.segment = portraits.segment
    left join last_fit on segments.segmentation = last_fit.segmentation

)

select * from segment_profiles
