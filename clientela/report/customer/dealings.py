"""How the relationship stands: state and segments, what happened, what is allowed, what was offered."""

from clientela.report.sections.section import Missing, Night, Section, Table, cells


def state(night: Night) -> Section | Missing:
    """State, rhythm, the probability of no order and why; the segments the customer is in."""
    texts, answer = night.texts, night.ask("customer_state")
    title = texts("customer.state")
    if not answer.rows:
        return Missing("state", title, texts("customer.no_state"))
    row = answer.first
    sentences = [texts("customer.is", state=texts.label("state", row["state"]))]
    silent, usual = row["days_since_last_activity"], row["expected_days_between_orders"]
    if silent is not None and usual is not None:
        sentences.append(texts("customer.silent", count=silent, usual=texts.number(max(round(usual), 1))))
    if row["churn_probability"] is not None:
        at_risk = texts.amount(row["expected_value_at_risk"] or 0, exact=True)
        key = "customer.may_have_no_contract" if row["churn_model"] == "contract" else "customer.may_not_order"
        share, months = texts.share(row["churn_probability"]), texts.number(row["churn_horizon_months"])
        sentences.append(texts(key, share=share, months=months, amount=at_risk))
    reasons = [texts.label("reason", reason) for reason in (row["reasons"] or "").split(", ") if reason]
    if reasons:
        sentences.append(texts("customer.reasons", reasons=texts.listed(reasons)))
    shown = [
        ("value_tier", texts.label("tier", row["value_tier"])),
        ("engagement_tier", texts.label("engagement", row["engagement_tier"])),
        ("engagement_score", texts.number(row["engagement_score"])),
        ("strategy", texts.label("strategy", row["strategy"])),
        ("rfm_group", texts.label("group", row["rfm_group"])),
        ("rule_segment", row["rule_segment"]),
        ("micro_segment", row["micro_segment"]),
        ("next_order", texts.day(row["median_next_order_on"]) if row["median_next_order_on"] else None),
    ]
    rows = [cells(texts(f"customer.{name}"), str(value)) for name, value in shown if value not in (None, "–")]
    table = Table(texts("customer.segments"), [texts("customer.what"), texts("customer.value")], rows, layout="cards")
    return Section("state", title, sentences, tables=[table] if rows else [], queries=[answer.query])


def timeline(night: Night) -> Section | Missing:
    """What happened with them, the newest first."""
    texts, answer = night.texts, night.ask("customer_events")
    title = texts("customer.timeline")
    if not answer.rows:
        return Missing("timeline", title, texts("customer.no_event"))
    total, newest = answer.first["events"], texts.day(answer.first["happened_on"])
    sentences = [texts("customer.events", count=total, day=newest)]
    if total > len(answer.rows):
        sentences.append(texts("customer.newest", count=len(answer.rows)))
    rows = [
        cells(
            texts.day(row["happened_on"]) + (texts("customer.assumed") if row["is_date_assumed"] else ""),
            row["sentence"] or row["event_kind"],
            row["source"] or "",
        )
        for row in answer.rows
    ]
    headings = [texts(f"customer.{name}") for name in ("day", "event", "source")]
    tables = [Table(texts("customer.what_happened"), headings, rows[:15], layout="cards")]
    folded = [Table(texts("customer.before"), headings, rows[15:], layout="cards")] if rows[15:] else []
    return Section("timeline", title, sentences, tables=tables, folded_tables=folded, queries=[answer.query])


def permissions(night: Night) -> Section | Missing:
    """By which channels they may be contacted, for what, and why not by the others."""
    texts, answer = night.texts, night.ask("customer_permissions")
    title = texts("customer.permissions")
    if not answer.rows:
        return Missing("permissions", title, texts("customer.no_permission"))
    purposes = dict.fromkeys(row["purpose"] for row in answer.rows)
    rows, open_purposes = [], []
    for purpose in purposes:
        name = texts.label("timeline.purpose", purpose)
        may = [row["channel"] for row in answer.rows if row["purpose"] == purpose and row["is_contactable"]]
        closed: dict[str, list[str]] = {}
        for row in answer.rows:
            if row["purpose"] == purpose and not row["is_contactable"]:
                closed.setdefault(row["reason"] or "", []).append(texts.label("timeline.channel", row["channel"]))
        why_not = "; ".join(
            texts("customer.closed", reason=texts.label("ground", reason), channels=", ".join(channels))
            for reason, channels in closed.items()
        )
        rows.append(cells(name, ", ".join(texts.label("timeline.channel", channel) for channel in may) or "–", why_not))
        if may and purpose != "transactional":
            open_purposes.append(name)
    sentence = (
        texts("customer.open_for", purposes=texts.listed(open_purposes))
        if open_purposes
        else texts("customer.open_for_nothing")
    )
    headings = [texts(f"customer.{name}") for name in ("purpose", "may", "may_not")]
    table = Table(texts("customer.permissions_table"), headings, rows, layout="cards")
    return Section("permissions", title, [sentence], tables=[table], queries=[answer.query])


def campaigns(night: Night) -> Section | Missing:
    """The campaigns they were in, and what they answered."""
    texts, answer = night.texts, night.ask("customer_campaigns")
    title = texts("customer.campaigns")
    if not answer.rows:
        return Missing("campaigns", title, texts("customer.no_campaign"))
    answered = sum(bool(row["has_responded"]) for row in answer.rows)
    sentence = texts("customer.in_campaigns", count=len(answer.rows), answered=texts.number(answered))
    rows = [
        cells(
            row["campaign_name"],
            texts.label("role", row["role"]),
            texts.day(row["first_contacted_on"] or row["chosen_on"]) if row["first_contacted_on"] or row["chosen_on"] else "",
            texts("customer.yes") if row["has_responded"] else texts("customer.no"),
            texts.amount(row["campaign_net_revenue"] or 0, exact=True),
        )
        for row in answer.rows
    ]  # fmt: skip
    headings = [texts(f"customer.{name}") for name in ("campaign", "role", "day", "answered", "bought")]
    table = Table(title, headings, rows, numbers=(4,), layout="cards")
    return Section("campaigns", title, [sentence], tables=[table], queries=[answer.query])


def offers(night: Night) -> Section | Missing:
    """What they are likely to buy next, by which channel it may be offered, and why."""
    texts, answer = night.texts, night.ask("customer_offers")
    title = texts("customer.offers")
    if not answer.rows:
        return Missing("offers", title, texts("customer.no_offer"))
    days = texts.number(answer.first["horizon_days"])
    rows = [
        cells(
            row["offer"],
            texts.label("customer.offer", row["kind"]),
            row["reason"],
            texts.label("timeline.channel", row["channel"]),
            texts.share(row["probability"]),
            texts.amount(row["expected_contribution"], exact=True),
        )
        for row in answer.rows
    ]
    headings = [texts(f"customer.{name}") for name in ("offer", "offer_kind", "why", "by", "likely", "brings")]
    table = Table(title, headings, rows, numbers=(4, 5), layout="cards")
    sentence = texts("customer.likely_offers", count=len(rows), days=days)
    return Section("offers", title, [sentence], tables=[table], queries=[answer.query])
