"""How the business goes: what changed since the last report, and the months. Who the customers are stands in `people`."""

from decimal import Decimal
from typing import Any

from clientela.report import charts
from clientela.report.catalogue import Texts
from clientela.report.published import Row
from clientela.report.sections.section import Missing, Night, Section, Table, amounts, cells

#: measure of `totals.sql` → whether it is money
CHANGES = {
    "orders": False,
    "net_revenue": True,
    "contribution": True,
    "customers": False,
    "doubtful_customers": False,
    "gone_customers": False,
    "expected_value": True,
    "value_at_risk": True,
}


def changes(night: Night) -> Section | Missing:
    """What is different from the file published before, and what arrived since."""
    texts, now, arrived = night.texts, night.ask("totals"), night.ask("arrivals").first
    sentences = []
    rows = []
    if night.before is None:
        sentences.append(texts("changes.first"))
    else:
        before, then = night.before.ask("totals").first, night.before.ask("publication").first
        day = texts.day(then["as_of_on"])
        differences = {key: _difference(now.first[key], before[key]) for key in CHANGES}
        if any(differences.values()):
            sentences.append(
                texts(
                    "changes.orders",
                    count=differences["orders"] or 0,
                    day=day,
                    orders=texts.signed(differences["orders"] or 0, texts.number(differences["orders"] or 0)),
                    revenue=texts.signed(
                        differences["net_revenue"] or 0, texts.amount(differences["net_revenue"] or 0)
                    ),
                )
            )
            sentences.append(_customers_sentence(texts, now.first, differences))
        else:
            sentences.append(texts("changes.none", day=day))
        rows = [
            cells(
                texts(f"changes.{key}_name"),
                _shown(texts, before[key], is_money),
                _shown(texts, now.first[key], is_money),
                texts.signed(differences[key] or 0, _shown(texts, differences[key], is_money)),
            )
            for key, is_money in CHANGES.items()
        ]
    key = "changes.arrived" if night.before else "changes.arrived_first"
    sentences.append(
        texts(key, count=arrived["loaded_rows"] or 0, batches=texts.number(arrived["loaded_batches"]))
        if arrived["loaded_batches"]
        else texts("changes.nothing_arrived")
    )
    if arrived["refused_batches"]:
        sentences.append(texts("gates.refused", count=arrived["refused_batches"]))
    if arrived["quarantined_rows"]:
        sentences.append(texts("gates.set_aside", count=arrived["quarantined_rows"]))
    headings = [texts("changes.measure"), texts("changes.before"), texts("changes.now"), texts("changes.difference")]
    table = Table(texts("changes.title"), headings, rows, numbers=(1, 2, 3))
    return Section(
        "changes",
        texts("changes.title"),
        sentences,
        tables=[table] if rows else [],
        queries=[now.query, night.ask("arrivals").query],
    )


def _difference(now: Any, before: Any) -> Any:
    if now is None or before is None:
        return None
    return (now if isinstance(now, int | Decimal) else float(now)) - before


def _shown(texts: Texts, value: Any, is_money: bool) -> str:
    return texts.amount(value) if is_money else texts.number(value)


def _customers_sentence(texts: Texts, now: Row, differences: dict[str, Any]) -> str:
    customers = differences["customers"] or 0
    key = "changes.customers_same" if customers == 0 else "changes.customers"
    return texts(
        key, customers=texts.number(now["customers"]), difference=texts.signed(customers, texts.number(customers))
    )


def monthly(night: Night) -> Section | Missing:
    """Revenue, contribution and customers by month."""
    texts, answer = night.texts, night.ask("monthly")
    title = texts("monthly.title")
    rows = answer.rows
    if not rows:
        return Missing("monthly", title, texts("missing.no_orders"))
    at = shown_month(rows)
    row = rows[at]
    sentences = [
        texts(
            "monthly.sentence",
            count=row["orders"],
            month=texts.month(row["month"]),
            buyers=texts.number(row["buyers"]),
            revenue=texts.amount(row["net_revenue"]),
        )
    ]
    comparisons = []
    for months, key in ((1, "monthly.than_before"), (12, "monthly.than_last_year")):
        if at >= months and rows[at - months]["net_revenue"]:
            past = rows[at - months]
            change = float(row["net_revenue"] / past["net_revenue"]) - 1
            more_or_less = texts("monthly.more" if change >= 0 else "monthly.less", share=texts.share(abs(change)))
            comparisons.append(texts(key, change=more_or_less, month=texts.month(past["month"])))
    if comparisons:
        sentences.append(texts("monthly.compared", comparisons=texts.listed(comparisons)))
    has_contribution = row["contribution"] is not None
    if has_contribution and row["net_revenue"]:
        share = float(row["contribution"] / row["net_revenue"])
        key = "monthly.contribution_assumed" if row["is_assumed"] else "monthly.contribution_known"
        sentences.append(texts(key, amount=texts.amount(row["contribution"]), share=texts.share(share)))
    elif not has_contribution:
        sentences.append(texts("missing.costs"))
    notes = [] if rows[-1]["is_complete"] else [texts("monthly.incomplete", month=texts.month(rows[-1]["month"]))]
    headings = [
        texts(f"monthly.{key}") for key in ("month", "revenue", "contribution", "orders", "buyers", "customers")
    ]
    table = Table(
        title,
        headings,
        [
            cells(
                texts.month(r["month"]), revenue, contribution,
                texts.number(r["orders"]), texts.number(r["buyers"]), texts.number(r["customers"]),
            )
            for r, revenue, contribution in reversed(
                list(zip(rows, *(amounts(texts, [r[key] for r in rows]) for key in ("net_revenue", "contribution")), strict=True))
            )
        ],
        numbers=(1, 2, 3, 4, 5),
    )  # fmt: skip
    picture = night.drawn(charts.months(texts, rows), f"{title}. {' '.join(sentences)}") if len(rows) > 1 else None
    return Section(
        "monthly", title, sentences, picture, notes=notes, queries=[answer.query],
        tables=[] if picture else [table], folded_tables=[table] if picture else [],
    )  # fmt: skip


def shown_month(rows: list[Row]) -> int:
    """Which month the sentences are about: the last that is over, else the last."""
    complete = [place for place, row in enumerate(rows) if row["is_complete"]]
    return complete[-1] if complete else len(rows) - 1
