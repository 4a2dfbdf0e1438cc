{%- set segmentations = [
    'life_cycle_stage', 'value_tier', 'engagement_tier', 'rfm_group', 'fixed_rfm_group', 'rule_segment', 'micro_segment',
] -%}
{#- What may set a segment apart from the rest. -#}
{%- set traits = [
    'days_since_last_order', 'tenure_days', 'orders_12m', 'net_revenue_12m', 'categories_12m', 'products_12m', 'channels_12m',
    'discount_share_12m', 'engagement_score', 'expected_contribution',
] -%}

with

months as (

    select
        *,
        (select {{ month_number('as_of_on') }} from {{ source('run', 'context') }}
        )
        - {{ month_number('month') }} as back
    from {{ ref('customer_months') }}
    where customer_id <> 0

),

retention as (

    select
        customer_id,
        churn_probability,
        expected_value_at_risk
    from {{ ref('customer_retention') }}

),

-- Sums of decimals do not depend on the order of the rows, sums of doubles do.
today as (

    select
        months.customer_id,
        months.is_customer,
        {% for segmentation in segmentations %}
            months.{{ segmentation }},
        {% endfor %}
        {% for trait in traits %}
            cast(months.{{ trait }} as decimal(18, 4)) as {{ trait }},
        {% endfor %}
        cast(months.p_alive as decimal(18, 6)) as p_alive,
        cast(retention.churn_probability as decimal(18, 6)) as churn_probability,
        {{ money('retention.expected_value_at_risk') }} as value_at_risk
    from months
    left join retention on months.customer_id = retention.customer_id
    where months.is_as_of

),

company as (

    select
        {% for trait in traits %}
            cast(sum({{ trait }}) as double) / nullif(count({{ trait }}), 0) as mean_{{ trait }},
            sqrt(greatest(
                cast(sum({{ times(trait, trait) }}) as double) / nullif(count({{ trait }}), 0)
                - power(cast(sum({{ trait }}) as double) / nullif(count({{ trait }}), 0), 2), 0
            )) as spread_{{ trait }},
        {% endfor %}
        count(*) as customers
    from today

),

sized as (

    {% for segmentation in segmentations %}
        select
            '{{ segmentation }}' as segmentation,
            {{ segmentation }} as segment,
            sum(coalesce(expected_contribution, 0)) as expected_contribution,
            sum(coalesce(net_revenue_12m, 0)) as net_revenue_12m,
            sum(value_at_risk) as value_at_risk,
            cast(sum(p_alive) as double) / nullif(count(p_alive), 0) as mean_p_alive,
            cast(sum(churn_probability) as double) / nullif(count(churn_probability), 0) as mean_churn_probability,
            {% for trait in traits %}
                cast(sum({{ trait }}) as double) / nullif(count({{ trait }}), 0) as mean_{{ trait }},
            {% endfor %}
            count(*) as customers
        from today
        where {{ segmentation }} is not null
        group by {{ segmentation }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- Who was in the segment some months ago, and who of them is still a customer.
earlier as (

    {% for segmentation in segmentations %}
        select
            '{{ segmentation }}' as segmentation,
            {% for back in [1, 3, 12] %}
                count(*) filter (where months.back = {{ back }}) as customers_{{ back }}m_ago,
                count(*) filter (where months.back = {{ back }} and months.is_customer) as there_{{ back }}m_ago,
                count(*) filter (where months.back = {{ back }} and months.is_customer and today.is_customer)
                    as kept_{{ back }}m,
            {% endfor %}
            months.{{ segmentation }} as segment
        from months
        inner join today on months.customer_id = today.customer_id
        where months.back in (1, 3, 12) and months.{{ segmentation }} is not null
        group by months.{{ segmentation }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

compared as (

    {% for trait in traits %}
        select
            sized.segmentation,
            sized.segment,
            '{{ trait }}' as trait,
            sized.mean_{{ trait }} as mean_here,
            company.mean_{{ trait }} as mean_everywhere,
            (sized.mean_{{ trait }} - company.mean_{{ trait }}) / nullif(company.spread_{{ trait }}, 0) as difference
        from sized
        cross join company
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- The three greatest differences, in standard deviations of all customers.
told as (

    select
        segmentation,
        segment,
        trait || ' ' || cast(cast(mean_here as decimal(18, 2)) as string)
        || ' (all ' || cast(cast(mean_everywhere as decimal(18, 2)) as string) || ')' as trait_told,
        row_number() over (
            partition by segmentation, segment order by round(abs(difference), 6) desc nulls last, trait asc nulls last
        ) as place
    from compared
    where abs(difference) >= 0.2

),

traits as (

    select
        segmentation,
        segment,
        max(case when place = 1 then trait_told end)
        || coalesce('; ' || max(case when place = 2 then trait_told end), '')
        || coalesce('; ' || max(case when place = 3 then trait_told end), '') as set_apart_by
    from told
    group by segmentation, segment

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
        sized.segmentation,
        sized.segment,

        ---------- size and its trend
        sized.customers,
        cast(sized.customers as double) / company.customers as share_of_customers,
        coalesce(earlier.customers_1m_ago, 0) as customers_1m_ago,
        coalesce(earlier.customers_3m_ago, 0) as customers_3m_ago,
        coalesce(earlier.customers_12m_ago, 0) as customers_12m_ago,

        ---------- value, company currency
        cast(sized.expected_contribution as double) as expected_contribution,
        cast(sized.expected_contribution as double)
        / nullif(cast(sum(sized.expected_contribution) over (partition by sized.segmentation) as double), 0)
            as share_of_expected_contribution,
        cast(sized.value_at_risk as double) as expected_value_at_risk,
        {{ money('sized.net_revenue_12m') }} as net_revenue_12m,

        ---------- retention
        sized.mean_p_alive,
        sized.mean_churn_probability,
        cast(earlier.kept_3m as double) / nullif(earlier.there_3m_ago, 0) as share_kept_3m,
        cast(earlier.kept_12m as double) / nullif(earlier.there_12m_ago, 0) as share_kept_12m,

        ---------- engagement and what sets it apart
        sized.mean_engagement_score,
        traits.set_apart_by,

        ---------- of the micro-segments' last fit
        last_fit.silhouette,
        last_fit.stability,
        last_fit.fitted_on

    from sized
    cross join company
    left join earlier on sized.segmentation = earlier.segmentation and sized.segment = earlier.segment
    left join traits on sized.segmentation = traits.segmentation and sized.segment = traits.segment
    left join last_fit on sized.segmentation = last_fit.segmentation

)

select * from segment_profiles
