{%- set segmentations = ['value_tier', 'engagement_tier', 'rfm_group'] -%}
{#- Of the revenue, the share that may lack a cost for the rest to speak of contribution. -#}
{%- set max_share_without_cost = 0.05 -%}
{%- set amounts = ['net_revenue', 'contribution'] -%}

with

-- Who stood in both arms is in no comparison, and where nobody was held out the days before must be known.
customers as (

    select * from {{ ref('int_campaign_customers') }}
    where not is_in_both_arms and (is_randomised or has_before)

),

periods as (

    select * from {{ ref('int_campaign_periods') }}

),

bought as (

    select
        customers.campaign_id,
        customers.customer_id,
        order_days.ordered_on >= periods.window_from_on as is_in_window,
        count(*) filter (where order_days.sale_line_count > 0) as orders,
        sum(order_days.net_amount) as net_revenue,
        sum(order_days.contribution) as contribution,
        sum(order_days.net_amount_without_cost) as net_revenue_without_cost
    from customers
    inner join periods on customers.campaign_id = periods.campaign_id
    inner join {{ ref('int_order_days') }} as order_days on customers.customer_id = order_days.customer_id
    where
        order_days.ordered_on <= periods.observed_until_on
        and order_days.ordered_on
        >= case when customers.is_randomised then periods.window_from_on else periods.before_from_on end
    group by all

),

-- By lot, what was bought in the window is compared; without a lot, by how much that differs from before.
outcomes as (

    select
        customers.*,
        coalesce(within.orders, 0) > 0 as is_buyer,
        coalesce(earlier.orders, 0) > 0 as was_buyer,
        case when coalesce(within.orders, 0) > 0 then 1 else 0 end
        - case when coalesce(earlier.orders, 0) > 0 then 1 else 0 end as buyer_share,
        {% for amount in amounts %}
            {{ money('coalesce(within.' ~ amount ~ ', 0) - coalesce(earlier.' ~ amount ~ ', 0)') }} as {{ amount }},
        {% endfor %}
        coalesce(within.net_revenue, 0) + coalesce(earlier.net_revenue, 0) as revenue_seen,
        coalesce(within.net_revenue_without_cost, 0) + coalesce(earlier.net_revenue_without_cost, 0)
            as revenue_without_cost,
        case
            when customers.is_randomised then ''
            when coalesce(earlier.orders, 0) < 2 then concat(customers.rfm_group, ' ', coalesce(earlier.orders, 0))
            when earlier.orders < 4 then concat(customers.rfm_group, ' 2-3')
            when earlier.orders < 8 then concat(customers.rfm_group, ' 4-7')
            else concat(customers.rfm_group, ' 8+')
        end as stratum
    from customers
    left join bought as within
        on
            customers.campaign_id = within.campaign_id
            and customers.customer_id = within.customer_id
            and within.is_in_window
    left join bought as earlier
        on
            customers.campaign_id = earlier.campaign_id
            and customers.customer_id = earlier.customer_id
            and not earlier.is_in_window

),

arms as (

    {% for segmentation in ['all'] + segmentations %}
        select
            campaign_id,
            '{{ segmentation }}' as segmentation,
            {{ "'all'" if segmentation == 'all' else segmentation }} as segment,
            stratum,
            is_chosen,
            is_randomised,
            count(*) as customers,
            count(*) filter (where is_buyer) as buyers,
            count(*) filter (where was_buyer) as buyers_before,
            sum(buyer_share) as buyer_share_sum,
            sum(buyer_share * buyer_share) as buyer_share_squares,
            sum(net_revenue) as net_revenue_sum,
            sum({{ times('net_revenue', 'net_revenue') }}) as net_revenue_squares,
            sum(contribution) as contribution_sum,
            sum({{ times('contribution', 'contribution') }}) as contribution_squares,
            sum(revenue_seen) as revenue_seen,
            sum(revenue_without_cost) as revenue_without_cost
        from outcomes
        group by all
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

judged as (

    select
        campaign_id,
        segmentation,
        segment,
        stratum,
        is_chosen,
        is_randomised,
        customers,
        buyers,
        buyers_before,
        buyer_share_sum,
        buyer_share_squares,
        net_revenue_sum,
        net_revenue_squares,
        case
            when
                abs(sum(revenue_without_cost) over (partition by campaign_id, segmentation, segment))
                <= {{ max_share_without_cost }} * abs(
                    sum(revenue_seen) over (partition by campaign_id, segmentation, segment)
                )
                then contribution_sum
        end as contribution_sum,
        contribution_squares
    from arms

)

select * from judged
