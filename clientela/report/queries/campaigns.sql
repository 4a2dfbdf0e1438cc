select
    result.campaign_name, campaign.first_contacted_on, result.verdict, result.evidence, result.assigned, result.held_out,
    result.buyers, result.buyer_share_difference, result.cost_amount, result.contribution, result.incremental_contribution,
    result.return_on_spend, result.return_at_most, result.is_window_over
from relationship.campaign_results as result
join relationship.campaigns as campaign using (campaign_id)
where result.segmentation = 'all'
order by campaign.first_contacted_on desc nulls last, result.campaign_name
