"""What one customer is worth: every component that was realised, and what is expected and why."""

from datetime import date

from clientela.report.customer import bars
from clientela.report.published import Row
from clientela.report.sections.section import Missing, Night, Section, Table, cells


def worth(night: Night) -> Section | Missing:
    """VIN as the sum of its components, each with its rule."""
    texts = night.texts
    value, ledger, months, unknown = (
        night.ask(f"customer_{name}") for name in ("worth", "ledger", "months", "unknown")
    )
    title = texts("customer.worth")
    if not value.rows:
        return Missing("worth", title, texts("customer.no_value"))
    row = value.first
    realised, expected, vin = (
        texts.amount(amount or 0, exact=True) for amount in (row["realised_value"], row["expected_value"], row["vin"])
    )
    sentences = [texts("customer.vin", vin=vin, realised=realised, expected=expected)]
    if row["vin_rank"] is not None:
        rank = texts.number(row["vin_rank"])
        sentences.append(texts("customer.rank", rank=rank, tenth=texts.number(row["vin_decile"])))
    if unknown.rows:
        names = texts.listed([texts.label("component", found["component"]) for found in unknown.rows])
        sentences.append(texts("customer.unknown", components=names))
    lines = [
        cells(
            texts.label("component", line["component"]),
            _activity(night, line),
            texts.label("rule", line["rule"]) + (texts("customer.assumed") if line["is_assumed"] else ""),
            _span(night, line["first_month"], line["last_month"]),
            texts.amount(line["amount"], exact=True),
        )
        for line in ledger.rows
    ]
    sums = [
        cells(texts(f"customer.{name}"), "", "", "", amount)
        for name, amount in (("realised", realised), ("expected", expected), ("total_row", vin))
    ]
    headings = [texts(f"customer.{name}") for name in ("component", "of", "rule", "when", "amount")]
    table = Table(texts("customer.components"), headings, [*lines, *sums], numbers=(4,), layout="cards")
    has_bars = any(month["net_revenue"] or month["contribution"] for month in months.rows)
    label = f"{texts('customer.by_month')}. {sentences[0]}"
    picture = bars.months(texts, months.rows, label) if has_bars else None
    return Section(
        "worth", title, sentences, picture, tables=[table],
        queries=[answer.query for answer in (value, ledger, months, unknown)],
    )  # fmt: skip


def _activity(night: Night, line: Row) -> str:
    """What the component is of: a kind of contact, a channel that wins customers, or a campaign by its name."""
    if not line["activity"]:
        return ""
    return night.texts.label("channel" if line["component"] == "acquisition" else "activity", line["activity"])


def _span(night: Night, first: date | None, last: date | None) -> str:
    if first is None or last is None:
        return ""
    months = dict.fromkeys((night.texts.short_month(first), night.texts.short_month(last)))
    return " – ".join(months)


def outlook(night: Night) -> Section | Missing:
    """What is expected within the horizon, how sure that is, and which model says so."""
    texts = night.texts
    answer, models = night.ask("customer_worth"), night.ask("customer_models")
    title = texts("customer.outlook")
    row = answer.first if answer.rows else {}
    if row.get("expected_value") is None:
        return Missing("outlook", title, texts("customer.no_outlook"))
    amount = texts.amount(row["expected_value"], exact=True)
    sentences = [texts("customer.within", count=row["horizon_months"], amount=amount)]
    if row["expected_value_p10"] is not None:
        low, high = (texts.amount(row[f"expected_value_{name}"], exact=True) for name in ("p10", "p90"))
        sentences.append(texts("customer.interval", low=low, high=high))
    if row["order_model"]:
        sentences.append(
            texts("customer.orders", expected=texts.number(row["expected_orders"], 1), count=row["orders"])
        )
    if row["p_alive"] is not None:
        sentences.append(texts("customer.alive", share=texts.share(row["p_alive"])))
    if row["contract_model"]:
        of_contracts = texts.amount(row["expected_contract_value"], exact=True)
        sentences.append(texts("customer.of_contracts", amount=of_contracts))
    rows = [
        cells(texts(f"customer.{name}"), texts.listed([texts.label("model", model) for model in row[name].split(", ")]))
        for name in ("order_model", "spend_model", "contract_model")
        if row[name]
    ]
    table = Table(texts("customer.models"), [texts("customer.what"), texts("customer.model")], rows, layout="cards")
    notes = [texts(f"customer.{name}") for name in ("is_assumed", "is_left_truncated") if row[name]]
    # the reasons are written by the choice of models, in English
    folded = [_reasons(night, models.rows, row)] if any(found["reason"] for found in models.rows) else []
    return Section(
        "outlook", title, sentences, tables=[table] if rows else [], folded_tables=folded, notes=notes,
        queries=[answer.query, models.query],
    )  # fmt: skip


def _reasons(night: Night, models: list[Row], value: Row) -> Table:
    texts = night.texts
    rows = [
        cells(texts.label("target", row["target"]), texts.label("model", row["candidate"]), row["reason"] or "")
        for row in models
        if value["contract_model" if row["target"] == "renewals" else "order_model"]
    ]
    return Table(
        texts("customer.why_model"), [texts("customer.what"), texts("customer.model"), texts("customer.reason")], rows
    )
