"""The reference tables a manager keeps: rates, margins, groups, objectives. One CSV a table in the reference folder.

A table's file has the columns below as its header. A table the company does not keep falls back to the neutral default
in `seeds/`, table by table. They are typed, gated and versioned like any other entity.
"""

from clientela.contracts.contract import Column, Entity
from clientela.contracts.entities import APPROACHES, CHANNELS


def _table(name: str, description: str, key: tuple[str, ...], *columns: Column) -> Entity:
    return Entity(name, description, columns, key=key, is_reference=True)


def _text(name: str, description: str, required: bool = False, values: tuple[str, ...] = ()) -> Column:
    return Column(name, "text", description, required=required, values=values)


IS_ASSUMED = Column("is_assumed", "boolean", "The figure is assumed, not measured; marts say so.")

EXCHANGE_RATES = _table(
    "exchange_rates",
    "Company-currency units per unit of a currency, from a day on.",
    ("currency", "valid_from"),
    _text("currency", "ISO 4217 code.", required=True),
    Column("valid_from", "date", "First day of the rate.", required=True),
    Column("rate", "rate", "Company currency per unit of this currency.", required=True, minimum=0),
)

MARGIN_RATES = _table(
    "margin_rates",
    "Margin as a share of net revenue, by department and category; empty means any.",
    ("department", "category"),
    _text("department", "Department; empty for all."),
    _text("category", "Category; empty for all."),
    Column("margin_rate", "decimal", "Margin as a share of net revenue.", required=True, minimum=-1, maximum=1),
    IS_ASSUMED,
)

COST_RATES = _table(
    "cost_rates",
    "Cost to serve: what one interaction costs, by channel and kind, from a day on.",
    ("channel", "kind", "valid_from"),
    _text("channel", "Channel; empty for all."),
    _text("kind", "Kind of interaction; empty for all."),
    Column("valid_from", "date", "First day of the rate.", required=True),
    Column("cost_per_contact", "money", "Cost of one contact, company currency.", minimum=0),
    Column("cost_per_minute", "money", "Cost of one minute, company currency.", minimum=0),
    IS_ASSUMED,
)

SERVICE_TARGETS = _table(
    "service_targets",
    "How soon a case is to be answered and resolved, by kind and channel; empty means any.",
    ("kind", "channel"),
    _text("kind", "Kind of case; empty for all."),
    _text("channel", "Channel; empty for all."),
    Column("first_answer_hours", "decimal", "Hours within which it is to be answered.", minimum=0),
    Column("resolution_hours", "decimal", "Hours within which it is to be resolved.", minimum=0),
)

ACQUISITION_COSTS = _table(
    "acquisition_costs",
    "What a channel spent in a month to win customers; spread over the customers it won.",
    ("acquisition_channel", "month"),
    _text("acquisition_channel", "Channel.", required=True),
    Column("month", "date", "First day of the month.", required=True),
    Column("cost_amount", "money", "Cost, company currency.", required=True, minimum=0),
    IS_ASSUMED,
)

RFM_GROUPS = _table(
    "rfm_groups",
    "The name of each group of RFM scores and life cycle stage; the first rule by rank that fits wins.",
    ("rank",),
    Column("rank", "integer", "Order in which the rules are tried.", required=True),
    _text("group_name", "Name of the group.", required=True),
    _text(
        "life_cycle_stage", "Stage that the rule is for; empty: any.", values=("new", "active", "declining", "lapsed")
    ),
    Column("recency_from", "integer", "Least recency score, 1 to 5.", required=True, minimum=1, maximum=5),
    Column("recency_to", "integer", "Greatest recency score.", required=True, minimum=1, maximum=5),
    Column("frequency_from", "integer", "Least frequency score, 1 to 5.", required=True, minimum=1, maximum=5),
    Column("frequency_to", "integer", "Greatest frequency score.", required=True, minimum=1, maximum=5),
    Column("monetary_from", "integer", "Least monetary score, 1 to 5.", required=True, minimum=1, maximum=5),
    Column("monetary_to", "integer", "Greatest monetary score.", required=True, minimum=1, maximum=5),
    _text("advice", "What a manager would do."),
)

ENGAGEMENT_PARTS = (
    "categories", "products", "channels", "orders", "active_months", "contracts", "tenure", "answers", "satisfaction",
)  # fmt: skip

ENGAGEMENT_WEIGHTS = _table(
    "engagement_weights",
    "How much each part of engagement weighs, and what earns all its points.",
    ("part",),
    _text("part", "Part of the score.", required=True, values=ENGAGEMENT_PARTS),
    _text("dimension", "What it tells.", values=("breadth", "depth", "length", "response")),
    Column("weight", "decimal", "Its weight beside the others'; 0 leaves it out.", required=True, minimum=0),
    Column(
        "full_at", "decimal", "Value that earns all its points; empty: the company's average earns half.", minimum=0
    ),
)

SEGMENT_STRATEGIES = _table(
    "segment_strategies",
    "What to do with customers of a value tier and an engagement tier.",
    ("value_tier", "engagement_tier"),
    _text("value_tier", "Tier of expected value.", required=True, values=("low", "medium", "high")),
    _text(
        "engagement_tier", "Tier of engagement; gone: lapsed or cancelled.", required=True,
        values=("low", "medium", "high", "gone"),
    ),
    _text("strategy", "What to do, in a word or two.", required=True),
    _text("advice", "What a manager would do."),
    _text("value_proposition", "What the company offers these customers, in a sentence."),
)  # fmt: skip

PORTFOLIOS = _table(
    "portfolios",
    "Portfolios of customers under one manager or team.",
    ("portfolio",),
    _text("portfolio", "Name.", required=True),
    _text("manager", "Manager or team.", required=True),
    Column("capacity", "integer", "Customers it can serve; empty: any number.", minimum=0),
    _text("rule", "Whom it may hold, as a predicate over the customer's columns; empty: anyone."),
    Column("capacity_hours", "decimal", "Hours a year that it has for them; empty: any number.", minimum=0),
    _text("territories", "Regions, cities or countries whose customers it may hold, with commas; empty: any."),
    _text("languages", "Languages of the customers that it may hold, with commas; empty: any."),
    _text("tiers", "Value tiers that it may hold, with commas: high, medium, low; empty: any."),
    Column("opened_on", "date", "First day; empty: it was always there."),
    Column("closed_on", "date", "First day on which it holds nobody any more; empty: it stays."),
)

PORTFOLIO_FIT = _table(
    "portfolio_fit",
    "What share of a customer's expected value a portfolio makes of a value tier; 1 where none is given.",
    ("portfolio", "value_tier"),
    _text("portfolio", "Portfolio.", required=True),
    _text("value_tier", "Tier of expected value.", required=True, values=("low", "medium", "high")),
    Column("fit", "decimal", "Share, 0 to 1; 0: it may not hold them.", required=True, minimum=0, maximum=1),
)

OFFERS = _table(
    "offers",
    "Offers that can be made.",
    ("offer",),
    _text("offer", "Name.", required=True),
    _text("approach", "Day's approach.", values=APPROACHES),
    _text("channel", "Channel by which it is made; empty: any by which the customer may be contacted.", values=CHANNELS),
    Column("unit_cost", "money", "Cost of one offer that is used, company currency.", minimum=0),
    _text("rule", "Who is eligible, as a predicate over the customer's columns; empty: anyone."),
    _text("product_key", "The product that it is for, by its source's own id."),
    _text("category", "The category that it is for, where it names no product."),
    Column("margin_rate", "decimal", "Margin as a share of net revenue; empty: what such purchases brought so far.",
           minimum=-1, maximum=1),
    Column("valid_from", "date", "First day; empty: it was always open."),
    Column("valid_until", "date", "Last day; empty: it stays open."),
)  # fmt: skip

PROGRAMMES = _table(
    "programmes",
    "Relational activities, introduced step by step and measured by their return.",
    ("programme",),
    _text("programme", "Name.", required=True),
    _text("approach", "Day's approach.", values=APPROACHES),
    Column("started_on", "date", "First day."),
    Column("ended_on", "date", "Last day."),
    Column("monthly_cost", "money", "Cost per month, company currency.", minimum=0),
    _text("description", "What it is."),
    _text("segment", "To whom it is offered, in the company's words."),
    _text("rule", "Conditions of access, as a predicate over the customer's columns; empty: all current customers."),
    _text(
        "campaign_key", "The campaign that invites to it: those contacted are its members, those held out its control."
    ),
    _text("customer_gain", "What the customer gets, in a sentence."),
    _text("gain_component", "Where the ledger holds what members gain.", values=("discounts", "rewards")),
    Column("hours_saved", "decimal", "Hours that it saves a member in a month.", minimum=0),
    _text("stage", "How far it is.", values=("pilot", "open", "retiring")),
)

KPIS = _table(
    "kpis",
    "Indicators the company steers by, beside those that are shipped; one of the same name takes its place.",
    ("kpi",),
    _text("kpi", "Name.", required=True),
    _text("definition", "What it measures."),
    _text("unit", "Unit: share, amount, customers, points …"),
    Column("is_higher_better", "boolean", "More is better; empty where neither is."),
    _text("aggregation", "How rows become a value.", required=True, values=("sum", "ratio", "mean", "share")),
    _text("mart", "The facts that it is computed over: customer_months, campaign_contacts, service_cases or orders."),
    _text("numerator", "What each row adds: an SQL expression over the columns of the facts."),
    _text("denominator", "What it is divided by, likewise; of a share the rows that are asked, all where empty."),
    _text("scopes", "What it may be cut by, with commas: value_tier, engagement_tier, rfm_group, channel; empty: all of them."),
    _text("segments_at", "Whether customers are in the segment that they began the month in, or ended it in.",
          values=("start", "end")),
    _text("needs", "The entities and reference tables without which it says nothing, with commas."),
)  # fmt: skip

OBJECTIVES = _table(
    "objectives",
    "A KPI with a baseline, a target, a due date and an owner.",
    ("objective",),
    _text("objective", "Name.", required=True),
    _text("area", "What it is about.", values=("customer", "value", "retention", "segment", "relationship")),
    _text("kpi", "The KPI.", required=True),
    _text("scope", "What the KPI is cut by: value_tier, engagement_tier, rfm_group, channel; empty for the company."),
    _text("segment", "Which part of it; empty for the company."),
    Column("baseline", "decimal", "Value at the start; empty: what the KPI was in the months before."),
    Column("target", "decimal", "Value to be reached, or the change as a share of the baseline.", required=True),
    _text("target_kind", "What the target is: value, or change (-0.1: ten per cent less); empty: value.",
          values=("value", "change")),
    Column("months", "integer", "Months that a value is taken over; empty: one.", minimum=1, maximum=36),
    Column("started_on", "date", "When it begins; empty: a year before it is due."),
    Column("due_on", "date", "When it is due.", required=True),
    _text("owner", "Who answers for it."),
)  # fmt: skip

IDENTITY_DECISIONS = _table(
    "identity_decisions",
    "What people decided about pairs of customer records. `always` and `never` are obeyed by every run; `same` and "
    "`different` are labels to measure the matching against.",
    ("first_source", "first_key", "second_source", "second_key"),
    _text("first_source", "Source of the one record.", required=True),
    _text("first_key", "Its customer's id in that source.", required=True),
    _text("second_source", "Source of the other record.", required=True),
    _text("second_key", "Its customer's id in that source.", required=True),
    _text("decision", "What was decided.", required=True, values=("always", "never", "same", "different")),
    _text("note", "Why, in words."),
    Column("decided_on", "date", "When it was decided."),
)

REFERENCE_TABLES: tuple[Entity, ...] = (
    EXCHANGE_RATES, MARGIN_RATES, COST_RATES, SERVICE_TARGETS, ACQUISITION_COSTS, RFM_GROUPS, ENGAGEMENT_WEIGHTS,
    SEGMENT_STRATEGIES, PORTFOLIOS, PORTFOLIO_FIT, OFFERS, PROGRAMMES, KPIS, OBJECTIVES,
    IDENTITY_DECISIONS,
)  # fmt: skip
