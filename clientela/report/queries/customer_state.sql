select
    retention.state, retention.main_reason, retention.reasons, retention.churn_probability, retention.churn_model, retention.churn_horizon_months,
    retention.p_alive, retention.days_since_last_activity, retention.expected_days_between_orders, retention.expected_value_at_risk,
    retention.median_next_order_on, retention.lapsed_on, segments.value_tier, segments.engagement_tier,
    engagement.engagement_score, segments.strategy, segments.strategy_advice, segments.rfm_group, segments.rfm_advice,
    segments.rule_segment, segments.micro_segment, segments.value_proposition
from retention.customer_retention as retention
inner join segment.customer_segments as segments on retention.customer_id = segments.customer_id
inner join segment.customer_engagement as engagement on retention.customer_id = engagement.customer_id
where retention.customer_id = cast($customer_id as bigint)
