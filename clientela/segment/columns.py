"""What a rule segment may speak of: the columns of one customer at one month-end, as the models know them.

Belongs here: their names and DuckDB types. Does not belong here: what they mean, which the descriptions of
`value.customer_months` tell; a test holds the two together.
"""

from collections.abc import Iterable

RULE_COLUMNS: dict[str, str] = {
    "month": "DATE",
    "state": "VARCHAR",
    "orders": "BIGINT",
    "net_revenue": "DECIMAL(18,4)",
    "contribution": "DECIMAL(18,4)",
    "cumulative_orders": "BIGINT",
    "cumulative_net_revenue": "DECIMAL(18,4)",
    "cumulative_contribution": "DECIMAL(18,4)",
    "days_since_last_order": "BIGINT",
    "tenure_days": "BIGINT",
    "orders_12m": "BIGINT",
    "active_months_12m": "BIGINT",
    "net_revenue_12m": "DECIMAL(18,4)",
    "contribution_12m": "DECIMAL(18,4)",
    "discount_share_12m": "DOUBLE",
    "categories_12m": "BIGINT",
    "products_12m": "BIGINT",
    "channels_12m": "BIGINT",
    "active_contracts": "BIGINT",
    "open_complaints": "BIGINT",
    "campaign_contacts_12m": "BIGINT",
    "campaign_answers_12m": "BIGINT",
    "satisfaction_12m": "DOUBLE",
    "has_withdrawn_consent": "BOOLEAN",
    "expected_days_between_orders": "DOUBLE",
    "recency_ratio": "DOUBLE",
    "p_alive": "DOUBLE",
    "expected_value": "DOUBLE",
    "engagement_score": "DOUBLE",
    "recency_score": "INTEGER",
    "frequency_score": "INTEGER",
    "monetary_score": "INTEGER",
    "is_left_censored": "BOOLEAN",
}

_SCORES = ("engagement_score", "recency_score", "frequency_score", "monetary_score")


def rule_row(names: Iterable[str]) -> str:
    """SQL: these of RULE_COLUMNS; `labels` is int_rfm_scored, which computes the scores, and `months` int_customer_months."""
    return ", ".join(f"{'labels' if name in _SCORES else 'months'}.{name}" for name in names)


#: SQL: the row that a rule speaks of
RULE_ROW = rule_row(RULE_COLUMNS)

#: what a customer's behaviour is told by, for micro-segments and nearest customers; columns of value.customer_months
BEHAVIOUR = (
    "days_since_last_order",
    "tenure_days",
    "orders_12m",
    "net_revenue_12m",
    "categories_12m",
    "products_12m",
    "channels_12m",
    "discount_share_12m",
)
