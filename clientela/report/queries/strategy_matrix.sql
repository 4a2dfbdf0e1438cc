select
    value_tier, engagement_tier, any_value(strategy) as strategy, any_value(strategy_advice) as advice,
    count(*) as customers, sum(expected_value) as expected_value
from segment.customer_segments left join value.customer_value using (customer_id)
where customer_id > 0 and value_tier is not null and engagement_tier is not null
group by value_tier, engagement_tier
