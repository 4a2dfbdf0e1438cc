"""What the company did for its customers and what came of it: campaigns, relational activities, service."""

from clientela.report.sections.section import Missing, Night, Section, Table, amounts, cells

#: campaigns that the table shows before the fold
SHOWN = 12


def campaigns(night: Night) -> Section | Missing:
    """Each campaign with its cost, what was bought, what it changed and whether it paid."""
    texts, answer = night.texts, night.ask("campaigns")
    title = texts("campaigns.title")
    rows = answer.rows
    if not rows:
        return Missing("campaigns", title, texts("missing.campaigns"))
    over = [row for row in rows if row["is_window_over"]]
    sentences = [texts("campaigns.sentence", count=len(over), losses=texts.number(_count(over, "verdict", "loss")))]
    lost = min(
        (row for row in over if row["verdict"] == "loss" and row["cost_amount"]),
        key=lambda row: row["contribution"] - row["cost_amount"] if row["contribution"] is not None else 0,
        default=None,
    )
    if lost is not None and lost["contribution"] is not None and lost["return_at_most"] < 0:
        sentences.append(
            texts(
                "campaigns.lost",
                campaign=lost["campaign_name"],
                cost=texts.amount(lost["cost_amount"]),
                contribution=texts.amount(lost["contribution"]),
            )
        )
    if without := _count(rows, "evidence", "association") + _count(rows, "evidence", "none"):
        sentences.append(texts("campaigns.without_control", count=without))
    columns = [
        amounts(texts, [row[key] for row in rows])
        for key in ("cost_amount", "contribution", "incremental_contribution")
    ]
    lines = [
        cells(
            row["campaign_name"],
            texts.label("verdict", row["verdict"]),
            texts.label("evidence", row["evidence"]),
            texts.number(row["assigned"]),
            texts.number(row["held_out"]),
            cost,
            contribution,
            incremental,
            texts.share(row["return_on_spend"]),
        )
        for row, cost, contribution, incremental in zip(rows, *columns, strict=True)
    ]
    headings = [
        texts(f"campaigns.{key}")
        for key in ("campaign", "verdict", "evidence", "assigned", "held_out", "cost", "bought", "added", "return")
    ]
    tables = [
        Table(title, headings, part, numbers=(3, 4, 5, 6, 7, 8), layout="cards")
        for part in (lines[:SHOWN], lines[SHOWN:])
        if part
    ]
    notes = [texts("campaigns.note")]
    return Section(
        "campaigns", title, sentences, tables=tables[:1], folded_tables=tables[1:], notes=notes, queries=[answer.query]
    )


def programmes(night: Night) -> Section | Missing:
    """Each relational activity: whom it reached, what it cost, and whether it goes on."""
    texts, answer = night.texts, night.ask("programmes")
    title = texts("programmes.title")
    rows = answer.rows
    if not rows:
        return Missing("programmes", title, texts("missing.programmes"))
    waiting = [row for row in rows if row["verdict"] == "not yet"]
    sentences = [texts("programmes.sentence", count=len(rows), judged=texts.number(len(rows) - len(waiting)))]
    for verdict, key in (("stop", "programmes.to_stop"), ("change", "programmes.to_change")):
        if named := [str(row["programme"]) for row in rows if row["verdict"] == verdict]:
            sentences.append(texts(key, programmes=texts.listed(named)))
    for limitation in dict.fromkeys(row["limitation"] for row in waiting):
        named = [str(row["programme"]) for row in waiting if row["limitation"] == limitation]
        reason = texts.label("limitation", limitation) if limitation else texts("programmes.too_few_months")
        sentences.append(texts("programmes.not_yet", programmes=texts.listed(named), reason=reason))
    columns = [
        amounts(texts, [row[key] for row in rows]) for key in ("cost_amount", "customer_gain_amount", "contribution")
    ]
    lines = [
        cells(
            f"{row['programme']} ({texts.label('approach', row['approach'])}, {texts.label('stage', row['stage'])})",
            texts.label("verdict", row["verdict"]),
            texts.label("evidence", row["evidence"]),
            texts.number(row["members"]),
            cost,
            gain,
            contribution,
            texts.share(row["recent_return"]),
        )
        for row, cost, gain, contribution in zip(rows, *columns, strict=True)
    ]
    headings = [
        texts(f"programmes.{key}")
        for key in ("programme", "verdict", "evidence", "members", "cost", "gained", "brought", "return")
    ]
    table = Table(title, headings, lines, numbers=(3, 4, 5, 6, 7), layout="cards")
    notes = [texts("programmes.note", month=texts.month(max(row["month"] for row in rows)))]
    return Section("programmes", title, sentences, tables=[table], notes=notes, queries=[answer.query])


def service(night: Night) -> Section | Missing:
    """Cases of the last twelve months, by kind: how many, how many in time, and how content customers were."""
    texts, answer = night.texts, night.ask("service")
    title = texts("service.title")
    rows = answer.rows
    if not rows:
        return Missing("service", title, texts("missing.cases"))
    cases = sum(row["cases"] for row in rows)
    sentences = [texts("service.sentence", count=cases, open=texts.number(sum(row["open_cases"] for row in rows)))]
    with_target = sum(row["cases_with_target"] for row in rows)
    if with_target:
        share = sum(row["cases_within_target"] for row in rows) / with_target
        sentences.append(texts("service.within_target", share=texts.share(float(share))))
    else:
        sentences.append(texts("missing.service_targets"))
    lines = [
        cells(
            texts.label("activity", row["kind"]),
            texts.number(row["cases"]),
            texts.number(row["open_cases"]),
            texts.share(
                float(row["cases_within_target"] / row["cases_with_target"]) if row["cases_with_target"] else None
            ),
            texts.number(row["reopened_cases"]),
            texts.number(row["satisfaction"], 1),
        )
        for row in rows
    ]
    headings = [
        texts(f"service.{key}") for key in ("kind", "cases", "open_cases", "in_time", "reopened", "satisfaction")
    ]
    table = Table(title, headings, lines, numbers=(1, 2, 3, 4, 5), layout="cards")
    return Section("service", title, sentences, tables=[table], queries=[answer.query])


def _count(rows: list[dict[str, object]], key: str, value: str) -> int:
    return sum(row[key] == value for row in rows)
