select
    coalesce(campaign.campaign_name, campaign.campaign_key) as campaign_name, contact.role, contact.first_contacted_on,
    contact.chosen_on, contact.has_responded, contact.responded_on, contact.campaign_orders, contact.campaign_net_revenue
from relationship.campaign_contacts as contact
inner join relationship.campaigns as campaign on contact.campaign_id = campaign.campaign_id
where contact.customer_id = cast($customer_id as bigint)
order by coalesce(contact.first_contacted_on, contact.chosen_on) desc nulls last, campaign_name
limit 30
