"""What a KPI may speak of: the facts that it can be computed over, their columns, and what each may be cut by.

Belongs here: names and DuckDB types, as the models `int_kpi_…` give them. Does not belong here: what they mean, which
docs/objectives.md tells; a test holds the two and the models together.
"""

from typing import NamedTuple

#: what customers are divided by; each stands in the facts as of the month's end and, with `previous_` before it, of its start
SEGMENTATIONS = ("value_tier", "engagement_tier", "rfm_group")
#: everything that a KPI may be cut by, beside the company as a whole; of portfolios there are no rows (docs/objectives.md)
SCOPES = (*SEGMENTATIONS, "portfolio", "channel")
COMPANY = "company"
AREAS = ("customer", "value", "retention", "segment", "relationship")
AGGREGATIONS = ("sum", "ratio", "mean", "share")


class Facts(NamedTuple):
    """Rows that a KPI adds up: their columns, and the scopes that they can be cut by."""

    columns: dict[str, str]
    scopes: tuple[str, ...] = (*SEGMENTATIONS, "channel")


_MONEY = "DECIMAL(18,4)"
#: the month that a row counts in, and the segments of its customer
LABELS: dict[str, str] = {
    "month": "DATE",
    "customer_id": "BIGINT",
    **dict.fromkeys(SEGMENTATIONS, "VARCHAR"),
    **{f"previous_{name}": "VARCHAR" for name in SEGMENTATIONS},
    "channel": "VARCHAR",
}

CUSTOMER_MONTHS: dict[str, str] = LABELS | {
    "orders": "BIGINT",
    "gross_revenue": _MONEY,
    "discounts": _MONEY,
    "returns": _MONEY,
    "net_revenue": _MONEY,
    "contribution": _MONEY,
    "cumulative_orders": "BIGINT",
    "days_since_last_order": "BIGINT",
    "tenure_days": "BIGINT",
    "orders_12m": "BIGINT",
    "active_months_12m": "BIGINT",
    "net_revenue_12m": _MONEY,
    "contribution_12m": _MONEY,
    "discount_share_12m": "DOUBLE",
    "categories_12m": "BIGINT",
    "products_12m": "BIGINT",
    "channels_12m": "BIGINT",
    "campaign_contacts_12m": "BIGINT",
    "campaign_answers_12m": "BIGINT",
    "satisfaction_12m": "DOUBLE",
    "active_contracts": "BIGINT",
    "monthly_recurring_amount": _MONEY,
    "open_complaints": "BIGINT",
    "state": "VARCHAR",
    "life_cycle_stage": "VARCHAR",
    "p_alive": "DOUBLE",
    "expected_value": "DOUBLE",
    "engagement_score": "DOUBLE",
    "is_customer": "BOOLEAN",
    "is_buyer": "BOOLEAN",
    "is_prospect": "BOOLEAN",
    "is_current_customer": "BOOLEAN",
    "was_current_customer": "BOOLEAN",
    "is_new_customer": "BOOLEAN",
    "is_in_top_tenth": "BOOLEAN",
    "is_permitted": "BOOLEAN",
    "has_withdrawn_consent": "BOOLEAN",
    "cost_to_serve": _MONEY,
    "reward_cost": _MONEY,
    "acquisition_cost": _MONEY,
    "campaign_cost": _MONEY,
    "realised_value": _MONEY,
    "vin": "DOUBLE",
}
CAMPAIGN_CONTACTS: dict[str, str] = LABELS | {
    "campaign_key": "VARCHAR",
    "kind": "VARCHAR",
    "approach": "VARCHAR",
    "role": "VARCHAR",
    "orders": "BIGINT",
    "campaign_orders": "BIGINT",
    "net_revenue": _MONEY,
    "contribution": _MONEY,
    "campaign_net_revenue": _MONEY,
    "has_responded": "BOOLEAN",
    "is_in_both_arms": "BOOLEAN",
    "cost_amount": "DOUBLE",
    "incremental_contribution": "DOUBLE",
}
SERVICE_CASES: dict[str, str] = LABELS | {
    "kind": "VARCHAR",
    "hours_to_first_answer": "DOUBLE",
    "hours_to_resolution": "DOUBLE",
    "age_days": "BIGINT",
    "reopened_count": "BIGINT",
    "cost_amount": _MONEY,
    "satisfaction": "DECIMAL(18,6)",
    "is_open": "BOOLEAN",
    "has_target": "BOOLEAN",
    "is_within_target": "BOOLEAN",
}
ORDERS: dict[str, str] = LABELS | {
    "order_lines": "BIGINT",
    "items": "DECIMAL(18,6)",
    "gross_sales_amount": _MONEY,
    "sales_discount_amount": _MONEY,
    "return_amount": _MONEY,
    "net_amount": _MONEY,
    "contribution": _MONEY,
    "is_return": "BOOLEAN",
    "is_on_time": "BOOLEAN",
}

#: by the name of the mart that they come from
FACTS: dict[str, Facts] = {
    "customer_months": Facts(CUSTOMER_MONTHS),
    "campaign_contacts": Facts(CAMPAIGN_CONTACTS),
    "service_cases": Facts(SERVICE_CASES),
    "orders": Facts(ORDERS),
}
