"""The entities a company delivers: customers, what they bought, signed, said, were sent and agreed to.

Reference tables (rates, margins, objectives) stand in `reference`. Every column's description is read by people: by
the editor through the configuration's JSON schema, by `clientela doctor`, and by whoever writes a mapping.
"""

from clientela.contracts.contract import Column, Entity


def _text(name: str, description: str, **more: object) -> Column:
    return Column(name, "text", description, **more)  # type: ignore[arg-type]


def _money(name: str, description: str, **more: object) -> Column:
    return Column(name, "money", description, **more)  # type: ignore[arg-type]


def _customer(required: bool = False) -> Column:
    return Column(
        "customer_key", "text", "The source's own id of the customer.", required=required, refers_to="customers"
    )


CURRENCY = _text("currency", "ISO 4217 code of the amounts; the source's currency where not mapped.")
PRODUCT = Column("product_key", "text", "The source's own id of the product.", refers_to="products")
CAMPAIGN = Column("campaign_key", "text", "The source's own id of the campaign.", refers_to="campaigns")
UPDATED_AT = Column("updated_at", "timestamp", "When the source last changed the record; orders its versions.")
#: what an order or a contact may say of a customer who has no id
GUEST_FIELDS = (
    "email", "phone", "full_name", "given_name", "family_name", "company_name", "tax_id", "street", "postal_code", "city",
    "region", "country", "language",
)  # fmt: skip
CHANNELS = ("phone", "email", "web", "app", "store", "visit", "chat", "post", "sms", "social", "other")
APPROACHES = ("market", "process", "defensive")

CUSTOMERS = Entity(
    "customers",
    "One record of a person or company in one source, prospects included.",
    (
        _text("given_name", "First name.", personal=True),
        _text("family_name", "Last name.", personal=True),
        _text("full_name", "Whole name, where the source does not keep its parts.", personal=True),
        _text("company_name", "Name of the company, for a business customer.", personal=True),
        _text("email", "E-mail address.", personal=True),
        _text("phone", "Telephone number, in any notation.", personal=True),
        _text("tax_id", "National or tax identification number.", personal=True),
        _text("loyalty_id", "Number of the loyalty card, shared by systems that read the card.", personal=True),
        Column("birth_date", "date", "Date of birth.", personal=True),
        _text("street", "Street and number.", personal=True),
        _text("postal_code", "Postal code.", personal=True),
        _text("city", "Town.", personal=True),
        _text("region", "Province or state."),
        _text("country", "Country, ISO 3166 two letters where known."),
        _text("language", "Language the customer prefers."),
        _text("acquisition_channel", "Channel through which the customer was won."),
        Column("acquired_on", "date", "Day on which the customer was won, as the source states it."),
        _money("acquisition_cost", "What winning the customer cost, company currency.", minimum=0),
        Column("is_prospect", "boolean", "Has not bought yet, as the source states it."),
        Column(
            "is_company", "boolean", "A company rather than a person; where not mapped, one that has a company name."
        ),
        Column(
            "parent_customer_key",
            "text",
            "The source's own id of the account that the record belongs to: the company of a contact, the parent of a branch.",
            refers_to="customers",
        ),
        UPDATED_AT,
        Column("attributes", "json", "Free attributes as one JSON object; personal by default.", personal=True),
    ),
    is_referred_to=True,
)

PRODUCTS = Entity(
    "products",
    "One article or service.",
    (
        _text("product_name", "Name."),
        _text("category", "Category; margins may be given per category."),
        _text("department", "Department, the level above category."),
        _text("brand", "Brand."),
        _money("unit_cost", "Cost of goods per unit, company currency.", minimum=0),
        Column("margin_rate", "decimal", "Margin as a share of net revenue.", minimum=-1, maximum=1),
        UPDATED_AT,
    ),
    is_referred_to=True,
)

TRANSACTIONS = Entity(
    "transactions",
    "One order line. Returns carry negative quantity and amounts, so that sums are net.",
    (
        _text("order_key", "The source's own id of the order or basket.", required=True),
        _text("line_key", "The line within the order."),
        _customer(),
        PRODUCT,
        CAMPAIGN,
        _text("return_of_order_key", "For a return: the order that it returns."),
        _text("store_key", "Store or site."),
        _text("channel", "Sales channel, in the company's own words."),
        _text("coupon", "Coupon or promotion code used."),
        CURRENCY,
        Column("quantity", "decimal", "How much, in unit_of_measure; negative for a return."),
        _text("unit_of_measure", "What quantity is counted in (kg, m, hour …); empty where it counts pieces."),
        _money("gross_amount", "Before discount, without tax."),
        _money("discount_amount", "Discount, without tax; gross less net."),
        _money("net_amount", "After discount, without tax."),
        _money("tax_amount", "Tax on the line; stands apart from the other amounts."),
        _money("cost_amount", "Cost of goods of the line."),
        _money(
            "order_discount_amount",
            "Discount on the whole order, not in the line's own: given on one of its lines or on each, taken once.",
        ),
        _money("order_shipping_amount", "Shipping charged on the whole order, without tax: taken once, as above."),
        _money(
            "order_fee_amount",
            "Fee on the whole order, without tax; negative where the company pays it. Taken once, as above.",
        ),
        _money("order_tax_amount", "Tax of the whole order, where its lines give none. Taken once, as above."),
        Column("tax_rate", "decimal", "Tax as a share of the amount without tax.", minimum=0, maximum=1),
        Column(
            "is_return",
            "boolean",
            "A return; where not mapped, a line whose quantity, or amount before discount, is negative.",
        ),
        Column(
            "ordered_at",
            "timestamp",
            "When the line was ordered; its order's time where the source has `orders`.",
            required=True,
        ),
        Column("promised_on", "date", "Day on which delivery was promised."),
        Column("delivered_on", "date", "Day on which the line was delivered."),
        UPDATED_AT,
    ),
    event_time="ordered_at",
    source_amount="net_amount",
    customer_fields=GUEST_FIELDS,
    is_counted=True,
    required=True,
)

ORDERS = Entity(
    "orders",
    "The header of an order: what holds for all its lines. Its key is the order's; a line waits for it.",
    (
        _customer(),
        CAMPAIGN,
        _text("return_of_order_key", "For a return: the order that it returns."),
        _text("store_key", "Store or site."),
        _text("channel", "Sales channel, in the company's own words."),
        _text("coupon", "Coupon or promotion code used."),
        _text("status", "State of the order, in the company's own words."),
        CURRENCY,
        _money("discount_amount", "Discount on the whole order that its lines do not show, without tax."),
        _money("shipping_amount", "Shipping charged, without tax."),
        _money("fee_amount", "Fees charged, without tax; negative where the company pays them."),
        _money("tax_amount", "Tax of the whole order, where its lines give none."),
        Column("tax_rate", "decimal", "Tax as a share of the amounts without tax.", minimum=0, maximum=1),
        Column("ordered_at", "timestamp", "When it was ordered.", required=True),
        Column("promised_on", "date", "Day on which delivery was promised."),
        Column("delivered_on", "date", "Day on which it was delivered."),
        UPDATED_AT,
    ),
    event_time="ordered_at",
    source_amount="discount_amount",
    customer_fields=GUEST_FIELDS,
    is_referred_to=True,
)

CONTRACTS = Entity(
    "contracts",
    "A subscription or policy.",
    (
        _customer(required=True),
        PRODUCT,
        Column("started_on", "date", "First day of the contract.", required=True),
        Column("ends_on", "date", "Last day: the agreed end of a fixed term, or the day it ended."),
        Column("cancelled_on", "date", "Day on which it was cancelled."),
        _text("cancelled_by", "Who ended it.", values=("customer", "company", "other")),
        _text("cancel_reason", "Reason given."),
        CURRENCY,
        _money("recurring_amount", "Amount per period, without tax."),
        Column("period_months", "integer", "Months that one recurring amount covers.", minimum=1, maximum=120),
        Column("amount_from_on", "date", "Day from which the recurring amount holds, where it changed."),
        Column(
            "term_months",
            "integer",
            "Months agreed at a time, after which it is renewed; default: what one recurring amount covers.",
            minimum=1,
            maximum=600,
        ),
        Column("renews_on", "date", "Day on which the next term begins, if it does not follow from start and term."),
        Column("paused_on", "date", "First day of a pause in which nothing is due."),
        Column("resumed_on", "date", "First day after the pause."),
        UPDATED_AT,
    ),
    event_time="started_on",
    is_announced_ahead=True,
    source_amount="recurring_amount",
)

INTERACTIONS = Entity(
    "interactions",
    "One contact in any channel, in either direction.",
    (
        _customer(),
        CAMPAIGN,
        PRODUCT,
        _text("order_key", "The order it concerns."),
        _text("channel", "Channel.", values=CHANNELS),
        _text("direction", "Who began it.", values=("inbound", "outbound")),
        _text(
            "kind",
            "What it was.",
            required=True,
            values=(
                "contact", "proposal", "request", "complaint", "incident", "installation", "maintenance", "repair",
                "warranty", "response", "session",
            ),
        ),
        Column("opened_at", "timestamp", "When it began.", required=True),
        Column("first_answered_at", "timestamp", "When the company first answered."),
        Column("resolved_at", "timestamp", "When it was resolved."),
        _text("status", "State of the case."),
        _text("outcome", "Result, such as won or lost for a proposal."),
        CURRENCY,
        _money("amount", "Amount that it concerns, such as that of a proposal."),
        _text("agent", "Who handled it.", personal=True),
        Column("satisfaction", "decimal", "Satisfaction stated by the customer, 0 to 10.", minimum=0, maximum=10),
        Column("minutes", "decimal", "Time spent on it, minutes.", minimum=0),
        Column("reopened_count", "integer", "How often it was opened again after it had been resolved.", minimum=0),
        _text("note", "Free text.", personal=True),
        Column("is_date_assumed", "boolean", "The time is assumed by the mapping, not delivered."),
        UPDATED_AT,
    ),
    event_time="opened_at",
    source_amount="amount",
    customer_fields=GUEST_FIELDS,
    is_counted=True,
)  # fmt: skip

CAMPAIGNS = Entity(
    "campaigns",
    "One campaign.",
    (
        _text("campaign_name", "Name."),
        _text("kind", "Kind, in the company's own words."),
        _text("approach", "Day's approach: what the campaign adds.", values=APPROACHES),
        _text("channel", "Main channel."),
        _text("goal", "What it is to achieve."),
        Column("started_on", "date", "First day.", required=True),
        Column("ended_on", "date", "Last day."),
        _money("budget_amount", "Budget, company currency.", minimum=0),
        _money("fixed_cost", "Fixed cost, company currency.", minimum=0),
        _money("unit_cost", "Cost per contact, company currency.", minimum=0),
        UPDATED_AT,
    ),
    event_time="started_on",
    is_announced_ahead=True,
    is_referred_to=True,
)

CAMPAIGN_CONTACTS = Entity(
    "campaign_contacts",
    "Who was chosen for a campaign, contacted or held out, when and by which channel.",
    (
        Column("campaign_key", "text", "The source's own id of the campaign.", required=True, refers_to="campaigns"),
        _customer(required=True),
        _text("role", "Contacted, or held out as control.", values=("chosen", "contacted", "held_out")),
        _text("channel", "Channel.", values=CHANNELS),
        Column("contacted_at", "timestamp", "When; where not given, the start of the campaign, marked assumed."),
        Column("is_date_assumed", "boolean", "The time is assumed by the mapping, not delivered."),
    ),
    event_time="contacted_at",
    is_announced_ahead=True,
)

REWARDS = Entity(
    "rewards",
    "Points and gifts earned, redeemed or expired.",
    (
        _customer(required=True),
        _text("kind", "What happened to them.", required=True, values=("earned", "redeemed", "expired", "gift")),
        Column("points", "decimal", "Points; positive as counted by the kind."),
        CURRENCY,
        _money("value_amount", "Value of the points or gift."),
        Column("rewarded_at", "timestamp", "When.", required=True),
        Column("expires_on", "date", "Last day on which points earned may be redeemed."),
    ),
    event_time="rewarded_at",
    source_amount="value_amount",
    is_counted=True,
)

CONSENTS = Entity(
    "consents",
    "A log of what customers agreed to.",
    (
        _customer(required=True),
        _text(
            "purpose",
            "What for; `relationship` covers all but transactional contact.",
            required=True,
        ),
        _text("channel", "Channel; empty for all.", values=CHANNELS),
        _text("status", "What was decided.", required=True, values=("granted", "refused", "withdrawn")),
        Column("decided_at", "timestamp", "When.", required=True),
    ),
    event_time="decided_at",
    version_by="decided_at",
    # a customer who grants and withdraws in one second has withdrawn
    wins_ties=("status", ("withdrawn", "refused", "granted")),
)

ERASURES = Entity(
    "erasures",
    "Requests to be forgotten.",
    (
        _customer(required=True),
        Column("requested_at", "timestamp", "When.", required=True),
    ),
    event_time="requested_at",
)

COMPANY_ENTITIES: tuple[Entity, ...] = (
    CUSTOMERS, PRODUCTS, ORDERS, TRANSACTIONS, CONTRACTS, INTERACTIONS, CAMPAIGNS, CAMPAIGN_CONTACTS, REWARDS, CONSENTS,
    ERASURES,
)  # fmt: skip
