"""The parts of the report, in the order in which they are read. A new one joins here, with the marts that it needs."""

from clientela.report.sections import business, deliveries, people, relations, steering, worth
from clientela.report.sections.section import Part

_CHANGES = ("value.customer_value", "value.customer_months", "retention.customer_retention", "operations.loads")
_GATES = ("operations.loads", "operations.load_checks", "operations.quarantined_rows")
_RISK = ("retention.customer_retention", "customer.customers", "value.customer_value")

PARTS: tuple[Part, ...] = (
    Part("changes", _CHANGES, business.changes),
    Part("monthly", ("value.customer_months",), business.monthly),
    Part("movements", ("retention.customer_movements",), people.movements),
    Part("objectives", ("objective.objective_progress", "objective.objective_contributions"), steering.objectives),
    Part("risk", _RISK, worth.value_at_risk),
    Part("whale", ("value.customer_value",), worth.whale),
    Part("matrix", ("segment.customer_segments", "value.customer_value"), people.matrix),
    Part("flows", ("segment.segment_flows",), people.flows),
    Part("cohorts", ("retention.cohort_retention",), people.cohorts),
    Part("survival", ("retention.survival_curves",), people.survival),
    Part(
        "forecast",
        ("quality.value_backtest", "quality.value_predictions", "quality.value_model_scores"),
        worth.forecast,
    ),
    Part("campaigns", ("relationship.campaign_results", "relationship.campaigns"), relations.campaigns),
    Part("programmes", ("relationship.programme_results",), relations.programmes),
    Part("service", ("relationship.service_levels",), relations.service),
    Part("identity", ("quality.identity_events",), people.identity),
    Part("gates", _GATES, deliveries.gates),
)
