{#- Buyers that each arm must have for its money to be compared. -#}
{%- set min_buyers = 100 -%}
{%- set segmentations = ['value_tier', 'engagement_tier', 'rfm_group'] -%}

with

campaigns as (

    select * from {{ ref('campaigns') }}

),

members as (

    select
        contacts.*,
        labels.value_tier,
        labels.engagement_tier,
        labels.rfm_group,
        labels.cost_amount,
        labels.is_chosen and not labels.is_in_both_arms as is_assigned
    from {{ ref('campaign_contacts') }} as contacts
    inner join {{ ref('int_campaign_customers') }} as labels
        on contacts.campaign_id = labels.campaign_id and contacts.customer_id = labels.customer_id

),

counted as (

    {% for segmentation in ['all'] + segmentations %}
        select
            campaign_id,
            '{{ segmentation }}' as segmentation,
            {{ "'all'" if segmentation == 'all' else segmentation }} as segment,
            count(*) as chosen,
            count(*) filter (where is_assigned) as assigned,
            count(*) filter (where role = 'contacted') as contacted,
            count(*) filter (where role = 'held_out') as held_out,
            count(*) filter (where is_in_both_arms) as in_both_arms,
            count(*) filter (where role = 'contacted' and has_responded) as responses,
            count(*) filter (where is_assigned and orders > 0) as buyers,
            coalesce(sum(net_revenue) filter (where is_assigned), 0) as net_revenue,
            sum(contribution) filter (where is_assigned and orders > 0) is null
            and sum(orders) filter (where is_assigned) > 0 as is_cost_of_goods_unknown,
            coalesce(sum(contribution) filter (where is_assigned), 0) as contribution,
            coalesce(sum(net_revenue_without_cost) filter (where is_assigned), 0) as net_revenue_without_cost,
            sum(cost_amount) as members_cost_amount
        from members
        group by all
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

compared as (

    select
        counted.*,
        campaigns.campaign_key,
        campaigns.campaign_name,
        campaigns.approach,
        campaigns.is_window_over,
        case
            when campaigns.cost_amount is null then null
            when counted.segmentation = 'all' then campaigns.cost_amount
            else counted.members_cost_amount
        end as cost_amount,
        results.comparison,
        results.compared,
        results.comparison_customers,
        results.compared_buyers,
        results.comparison_buyers,
        {% for part in ['difference', 'low', 'high', 'detectable'] %}
            results.buyer_share_{{ part }},
            results.net_revenue_{{ part }},
            results.contribution_{{ part }},
        {% endfor %}
        coalesce(
            results.compared_buyers >= {{ min_buyers }} and results.comparison_buyers >= {{ min_buyers }}, false
        ) as has_enough_buyers,
        coalesce(results.comparison = 'held out', false) as is_by_lot,
        periods.is_randomised or periods.has_before as is_comparable
    from counted
    inner join campaigns on counted.campaign_id = campaigns.campaign_id
    inner join {{ ref('int_campaign_periods') }} as periods on counted.campaign_id = periods.campaign_id
    left join {{ ref('int_campaign_comparisons') }} as results
        on
            counted.campaign_id = results.campaign_id
            and counted.segmentation = results.segmentation
            and counted.segment = results.segment

),

totals as (

    select
        *,
        {% for bound in ['difference', 'low', 'high'] %}
            case when has_enough_buyers then contribution_{{ bound }} * assigned end as total_{{ bound }},
        {% endfor %}
        case when is_cost_of_goods_unknown then net_revenue else contribution end as most_amount
    from compared

),

campaign_results as (

    select
        ---------- ids
        campaign_id,
        segmentation,
        segment,

        ---------- the source's own keys
        campaign_key,

        ---------- what it was
        campaign_name,
        approach,

        ---------- what can be said
        case
            when comparison is null then 'none'
            when is_by_lot then 'effect'
            else 'association'
        end as evidence,
        comparison,
        case
            when cost_amount is null then 'open'
            when is_window_over and most_amount < cost_amount then 'loss'
            when is_by_lot and is_window_over and total_high < cost_amount then 'loss'
            when is_by_lot and is_window_over and total_low > cost_amount then 'gain'
            else 'open'
        end as verdict,
        case
            when not is_window_over then 'its window is not over'
            when assigned = 0 then 'nobody was chosen to be contacted'
            when comparison is null and is_comparable then 'too few customers to compare'
            when comparison is null then 'nobody was held out, and no sales are known for as long before it'
            when not has_enough_buyers then 'too few buyers for money'
            when not is_by_lot then 'nobody was held out: who was chosen may differ for other reasons'
            when contribution_difference is null then 'the cost of what was bought is not known'
            when cost_amount is null then 'its cost is not known'
        end as limitation,

        ---------- counts
        chosen,
        assigned,
        contacted,
        held_out,
        in_both_arms,
        responses,
        buyers,
        {% for count in ['compared', 'comparison_customers', 'compared_buyers', 'comparison_buyers'] %}
            coalesce({{ count }}, 0) as {{ count }},
        {% endfor %}

        ---------- amounts of those assigned, company currency, without tax
        {{ money('cost_amount') }} as cost_amount,
        {{ money('net_revenue') }} as net_revenue,
        {{ money('case when not is_cost_of_goods_unknown then contribution end') }} as contribution,
        {{ money('net_revenue_without_cost') }} as net_revenue_without_cost,

        ---------- those assigned less those compared with, per customer
        buyer_share_difference,
        buyer_share_low,
        buyer_share_high,
        buyer_share_detectable,
        {% for amount in ['net_revenue', 'contribution'] %}
            {% for part in ['difference', 'low', 'high', 'detectable'] %}
                case when has_enough_buyers then {{ amount }}_{{ part }} end as {{ amount }}_{{ part }},
            {% endfor %}
        {% endfor %}

        ---------- over all who were assigned
        case when not is_by_lot then total_difference end as associated_contribution,
        {% for name, bound in [("", "difference"), ("_low", "low"), ("_high", "high")] %}
            case when is_by_lot then total_{{ bound }} end as {{ "incremental_contribution" ~ name }},
            cast(total_{{ bound }} as double) / nullif(case when is_by_lot then cast(cost_amount as double) end, 0) - 1
                as {{ "return_on_spend" ~ name }},
        {% endfor %}
        cast(most_amount as double) / nullif(cast(cost_amount as double), 0) - 1 as return_at_most,

        ---------- booleans
        coalesce(
            is_by_lot
            and case
                when has_enough_buyers and contribution_low is not null
                    then contribution_low > 0 or contribution_high < 0
                else buyer_share_low > 0 or buyer_share_high < 0
            end,
            false
        ) as has_effect,
        is_window_over

    from totals

)

select * from campaign_results
