"""Definitions of KPIs and objectives for tests: a row of each table, and the shipped ones."""

import csv
from datetime import date
from typing import Any

from clientela.load.definitions import SHIPPED


def kpi(name: str = "churn rate", **given: Any) -> dict[str, Any]:
    """A row of the table `kpis`: the churn rate, unless said otherwise."""
    row = {
        "kpi": name, "definition": None, "unit": "share", "is_higher_better": False, "aggregation": "share",
        "mart": "customer_months", "numerator": "not is_current_customer", "denominator": "was_current_customer",
        "scopes": None, "segments_at": "start", "needs": None,
    }  # fmt: skip
    return row | given


def objective(**given: Any) -> dict[str, Any]:
    """A row of the table `objectives`: a tenth less churn within 2025, unless said otherwise."""
    row = {
        "objective": "lose fewer", "area": "retention", "kpi": "churn rate", "scope": None, "segment": None,
        "baseline": None, "target": -0.1, "target_kind": "change", "months": None, "started_on": date(2025, 1, 1),
        "due_on": date(2025, 12, 31), "owner": "Ana",
    }  # fmt: skip
    return row | given


def shipped() -> list[dict[str, Any]]:
    """The rows of the KPIs that come with clientela."""
    with SHIPPED.open(encoding="utf-8", newline="") as file:
        return [{name: value or None for name, value in row.items()} for row in csv.DictReader(file)]
