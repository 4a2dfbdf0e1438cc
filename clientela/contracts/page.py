"""Writes docs/contract.md: every entity and reference table with its columns, out of the contract itself, and an example of each.

`make docs` runs it as `python -m clientela.contracts.page`; a test compares the page with the contract and loads the examples.
Descriptions are worded where the columns are; here stand the units, the examples and the page's frame.
"""

from dataclasses import dataclass

from clientela.contracts import COMPANY_ENTITIES, ENTITIES, Column, Entity

HEAD = """\
# The contract

What a source may say, entity by entity. `columns:` in `clientela.yml` maps a source's own columns to the columns below; what is
not mapped is simply not known. This page is made of the contract in `clientela/contracts/`: change that, and run `make docs`.
The examples are loaded by a test, file and mapping as they stand here.

| word | meaning |
| --- | --- |
| **required** | must be mapped, and a row in which it is empty goes to quarantine |
| personal | masked in what is published, unless `publish: {personal_data: full}`; in quarantine its values are shown to nobody |
| key of … | the id by which the same source, or one that shares its ids (`ids_from`), delivers that entity |
| one of … | other words go to quarantine; `{column: …, values: {theirs: ours}}` translates |

Every entity has a `key:` beside its columns: the source's own columns that tell one record from another. Amounts are decimal
numbers, in units of the currency (or in cents with `amount_unit: minor`); times without an offset are in the source's time
zone; a date without a time is that calendar day in every zone. What a file looks like (formats, signs, encodings, tax within
amounts) is written beside the mapping: [Kinds of source](sources.md).
"""

_REFERENCE_HEAD = """\
# Reference tables

What a manager keeps, one CSV a table in `reference_folder`, with the columns below as its header. A table that the company does
not keep is as in `seeds/`.
"""

#: the unit of a number, by the end of its name; whole names first
_UNITS = {
    "points": "points",
    "minutes": "minutes",
    "quantity": "units",
    "satisfaction": "0 to 10",
    "capacity": "customers",
    "rank": "rank",
    "weight": "weight",
    "full_at": "of the part",
    "baseline": "of the KPI",
    "target": "of the KPI",
    "months": "months",
    "_months": "months",
    "_hours": "hours",
    "hours_saved": "hours",
    "_count": "times",
    "_rate": "share",
    "fit": "share",
    "_from": "score",
    "_to": "score",
}
_KINDS = {
    "text": "text",
    "integer": "whole number",
    "decimal": "number",
    "rate": "number",
    "money": "amount",
    "boolean": "yes or no",
    "date": "date",
    "timestamp": "time",
    "json": "JSON object",
}


@dataclass(frozen=True)
class Example:
    """A file of one row, and the mapping that loads it."""

    file: str
    mapping: str


def unit(entity: Entity, column: Column) -> str:
    """What a number counts; empty for what is no number. Raises KeyError for a number of no known unit."""
    if column.type == "money":
        return (
            "its `currency`"
            if "currency" in entity and "company currency" not in column.description
            else "company currency"
        )
    if column.type == "rate":
        return "company currency"
    if column.type not in ("integer", "decimal"):
        return ""
    return _UNITS[next((end for end in _UNITS if column.name == end or column.name.endswith(end)), column.name)]


def page() -> str:
    """The page: the company's entities with a mapping each, then the reference tables with a file each."""
    parts = [HEAD]
    for entity in COMPANY_ENTITIES:
        example = EXAMPLES[entity.name]
        parts += [
            f"## {entity.name}\n\n{entity.description}\n",
            _table(entity),
            _guests(entity),
            f"```csv {entity.name}.csv\n{example.file}```\n\n```yaml\n{example.mapping}```\n",
        ]
    parts.append(_REFERENCE_HEAD)
    for entity in (entity for entity in ENTITIES.values() if entity.is_reference):
        key = ", ".join(f"`{name}`" for name in entity.key)
        parts += [
            f"## {entity.name}\n\n{entity.description} A row for each {key}.\n",
            _table(entity),
            f"```csv {entity.name}.csv\n{REFERENCE_EXAMPLES[entity.name]}```\n",
        ]
    return "\n".join(part for part in parts if part)


def _table(entity: Entity) -> str:
    rows = [
        f"| `{column.name}` | {_KINDS[column.type]} | {unit(entity, column)} | {column.description} | {_notes(column)} |"
        for column in entity.columns
    ]
    return "\n".join(["| column | type | unit | meaning | |", "| --- | --- | --- | --- | --- |", *rows, ""])


def _notes(column: Column) -> str:
    notes = ["**required**"] * column.required + ["personal"] * column.personal
    if column.refers_to:
        notes.append(f"key of `{column.refers_to}`")
    if column.values:
        notes.append("one of " + ", ".join(f"`{value}`" for value in column.values))
    if column.minimum is not None and column.maximum is not None:
        notes.append(f"{column.minimum:g} to {column.maximum:g}")
    elif column.minimum is not None:
        notes.append(f"{column.minimum:g} or more")
    return "; ".join(notes)


def _guests(entity: Entity) -> str:
    if not entity.customer_fields:
        return ""
    fields = ", ".join(f"`{name}`" for name in entity.customer_fields)
    return f"Of a customer who has no id a row may say what it knows (personal, as in `customers`): {fields}.\n"


def _example(file: str, mapping: str) -> Example:
    return Example(file.strip() + "\n", mapping.strip("\n") + "\n")


EXAMPLES: dict[str, Example] = {
    "customers": _example(
        "id,first,last,mail,born,changed\nC-7,Ana,Gil,ana@mail.example,1984-05-02,2026-01-05 10:00:00",
        """
customers:
  files: customers.csv
  key: id
  columns: {given_name: first, family_name: last, email: mail, birth_date: born, updated_at: changed}
""",
    ),
    "products": _example(
        "sku,title,group,cost\nA1,Cap,Hats,4.20",
        """
products:
  files: products.csv
  key: sku
  columns: {product_name: title, category: group, unit_cost: cost}
""",
    ),
    "orders": _example(
        "order_no,client,placed,ship,voucher\n1001,C-7,2026-01-06 11:20:00,4.95,WELCOME",
        """
orders:
  files: orders.csv
  key: order_no
  columns: {customer_key: client, ordered_at: placed, shipping_amount: ship, coupon: voucher}
""",
    ),
    "transactions": _example(
        "order_no,line,client,sku,qty,amount,placed\n1001,1,C-7,A1,2,25.00,2026-01-06 11:20:00",
        """
transactions:
  files: transactions.csv
  key: [order_no, line]
  columns:
    order_key: order_no
    line_key: line
    customer_key: client
    product_key: sku
    quantity: qty
    net_amount: amount
    ordered_at: placed
""",
    ),
    "contracts": _example(
        "policy,client,from,until,monthly\nP-1,C-7,2026-01-10,,19.90",
        """
contracts:
  files: contracts.csv
  key: policy
  columns: {customer_key: client, started_on: from, ends_on: until, recurring_amount: monthly, period_months: {value: 1}}
""",
    ),
    "interactions": _example(
        "ticket,client,via,type,opened,closed,score\nT-5,C-7,Phone,fault,2026-01-12 09:00:00,2026-01-13 12:30:00,8",
        """
interactions:
  files: interactions.csv
  key: ticket
  columns:
    customer_key: client
    channel: via
    kind: {column: type, values: {fault: incident, claim: complaint}}
    opened_at: opened
    resolved_at: closed
    satisfaction: score
""",
    ),
    "campaigns": _example(
        "code,title,begins,ends,budget\nSPRING,Spring mailing,2026-01-07,2026-01-31,500.00",
        """
campaigns:
  files: campaigns.csv
  key: code
  columns: {campaign_name: title, started_on: begins, ended_on: ends, budget_amount: budget}
""",
    ),
    "campaign_contacts": _example(
        "code,client,in_control,sent\nSPRING,C-7,0,2026-01-08 08:00:00",
        """
campaign_contacts:
  files: campaign_contacts.csv
  key: [code, client]
  columns:
    campaign_key: code
    customer_key: client
    role: {sql: "case when in_control = '1' then 'held_out' else 'contacted' end"}
    channel: {value: email}
    contacted_at: sent
""",
    ),
    "rewards": _example(
        "entry,card,what,points,at\nR-1,C-7,earn,25,2026-01-06 11:20:00",
        """
rewards:
  files: rewards.csv
  key: entry
  columns: {customer_key: card, kind: {column: what, values: {earn: earned, spend: redeemed}}, points: points, rewarded_at: at}
""",
    ),
    "consents": _example(
        "client,topic,answer,at\nC-7,newsletter,yes,2026-01-05 10:01:00",
        """
consents:
  files: consents.csv
  key: [client, topic]
  columns:
    customer_key: client
    purpose: {column: topic, values: {newsletter: marketing}}
    channel: {value: email}
    status: {column: answer, values: {'yes': granted, 'no': refused}}
    decided_at: at
""",
    ),
    "erasures": _example(
        "client,asked\nC-9,2026-01-20 15:00:00",
        """
erasures:
  files: erasures.csv
  key: client
  columns: {customer_key: client, requested_at: asked}
""",
    ),
}

#: the file of each reference table, its header and a row
REFERENCE_EXAMPLES: dict[str, str] = {
    "exchange_rates": "currency,valid_from,rate\nUSD,2026-01-01,0.92\n",
    "margin_rates": "department,category,margin_rate,is_assumed\n,Hats,0.35,true\n",
    "cost_rates": "channel,kind,valid_from,cost_per_contact,cost_per_minute,is_assumed\nphone,,2026-01-01,0.50,0.80,true\n",
    "service_targets": "kind,channel,first_answer_hours,resolution_hours\ncomplaint,,4,48\n",
    "acquisition_costs": "acquisition_channel,month,cost_amount,is_assumed\nweb,2026-01-01,1200.00,false\n",
    "rfm_groups": (
        "rank,group_name,life_cycle_stage,recency_from,recency_to,frequency_from,frequency_to,monetary_from,monetary_to,advice\n"
        "1,Best,,4,5,4,5,4,5,Thank them\n"
    ),
    "engagement_weights": "part,dimension,weight,full_at\ncategories,breadth,2,5\n",
    "segment_strategies": (
        "value_tier,engagement_tier,strategy,advice,value_proposition\nhigh,low,Win closer,Call them,A person who knows them\n"
    ),
    "portfolios": (
        "portfolio,manager,capacity,rule,capacity_hours,territories,languages,tiers,opened_on,closed_on\n"
        'Madrid,Eva,200,state <> \'lapsed\',900,"Madrid, Toledo",es,"high, medium",2026-01-01,\n'
    ),
    "portfolio_fit": "portfolio,value_tier,fit\nMadrid,medium,0.8\n",
    "offers": (
        "offer,approach,channel,unit_cost,rule,product_key,category,margin_rate,valid_from,valid_until\n"
        "Second cap,market,email,0.10,orders_12m >= 1,,Caps,0.4,2026-01-01,2026-03-31\n"
    ),
    "programmes": (
        "programme,approach,started_on,ended_on,monthly_cost,description,segment,rule,campaign_key,customer_gain,gain_component,"
        "hours_saved,stage\n"
        "Club,defensive,2026-01-01,,300.00,Points for what they buy,Regulars,orders_12m >= 3,,A point per euro,rewards,,pilot\n"
    ),
    "kpis": (
        "kpi,definition,unit,is_higher_better,aggregation,mart,numerator,denominator,scopes,segments_at,needs\n"
        "order value,Net amount of an order,amount,true,mean,orders,case when not is_return then net_amount end,,channel,,\n"
    ),
    "objectives": (
        "objective,area,kpi,scope,segment,baseline,target,target_kind,months,started_on,due_on,owner\n"
        "Dearer orders,value,order value,channel,web,,0.1,change,3,2026-01-01,2026-12-31,Eva\n"
    ),
    "identity_decisions": (
        "first_source,first_key,second_source,second_key,decision,note,decided_on\n"
        "shop,C-7,shop,C-9,never,Two sisters,2026-01-21\n"
    ),
}

if __name__ == "__main__":
    print(page(), end="")
