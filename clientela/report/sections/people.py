"""Who comes, stays and goes: movements, cohorts, survival, the matrix of strategies, flows between segments, identity."""

from datetime import date

from clientela.report import charts
from clientela.report.catalogue import catalogue
from clientela.report.published import Row
from clientela.report.sections.section import SHADES, Cell, Missing, Night, Section, Table, cells, shade

#: months that the waterfall adds up
MOVEMENT_MONTHS = 3
TIERS = ("high", "medium", "low")
ENGAGEMENT = ("high", "medium", "low", "gone")
#: cohorts and periods that a heat map shows
COHORTS, PERIODS = 14, 12


def movements(night: Night) -> Section | Missing:
    """Customers won, returned and lost, as a waterfall that adds up."""
    texts, answer = night.texts, night.ask("movements")
    title = texts("movements.title")
    over = [row for row in answer.rows if row["is_month_complete"]] or answer.rows
    shown = over[-MOVEMENT_MONTHS:]
    if not shown or not any(row["closing_customers"] or row["opening_customers"] for row in shown):
        return Missing("movements", title, texts("missing.movements"))
    opening, closing = shown[0]["opening_customers"], shown[-1]["closing_customers"]
    new, returned, lapsed = (sum(row[f"{kind}_customers"] for row in shown) for kind in ("new", "returned", "lapsed"))
    steps = [
        (texts("movements.opening", month=texts.short_month(shown[0]["month"])), opening, True),
        (texts("movements.new"), new, False),
        (texts("movements.returned"), returned, False),
        (texts("movements.lapsed"), -lapsed, False),
        (texts("movements.closing", month=texts.short_month(shown[-1]["month"])), closing, True),
    ]
    others = closing - (opening + new + returned - lapsed)
    if others:
        steps.insert(-1, (texts("movements.others"), others, False))
    balance = closing - opening
    sentences = [
        texts(
            "movements.sentence" if len(shown) > 1 else "movements.sentence_month",
            first=texts.month(shown[0]["month"]),
            last=texts.month(shown[-1]["month"]),
            new=texts.number(new),
            returned=texts.number(returned),
            lapsed=texts.number(lapsed),
        ),
        texts(
            "movements.balance_up"
            if balance > 0
            else "movements.balance_down"
            if balance < 0
            else "movements.balance_same",
            count=closing,
            difference=texts.number(abs(balance)),
        ),
    ]
    floor = charts.waterfall_floor([opening, closing, opening + new, opening + new + returned])
    notes = [texts("movements.floor")] if floor else []
    headings = [
        texts(f"movements.column_{key}") for key in ("month", "opening", "new", "returned", "lapsed", "closing")
    ]
    table = Table(
        title,
        headings,
        [
            cells(
                texts.month(row["month"]),
                texts.number(row["opening_customers"]),
                texts.signed(row["new_customers"], texts.number(row["new_customers"])),
                texts.signed(row["returned_customers"], texts.number(row["returned_customers"])),
                texts.number(-row["lapsed_customers"]),
                texts.number(row["closing_customers"]),
            )
            for row in reversed(answer.rows)
        ],
        numbers=(1, 2, 3, 4, 5),
    )
    picture = night.drawn(charts.waterfall(texts, steps), f"{title}. {' '.join(sentences)}")
    return Section(
        "movements", title, sentences, picture, notes=notes, queries=[answer.query],
        tables=[] if picture else [table], folded_tables=[table] if picture else [],
    )  # fmt: skip


def matrix(night: Night) -> Section | Missing:
    """Value × engagement with the strategy of each cell."""
    texts, answer = night.texts, night.ask("strategy_matrix")
    title = texts("matrix.title")
    found = {(row["value_tier"], row["engagement_tier"]): row for row in answer.rows}
    if not found:
        return Missing("matrix", title, texts("missing.tiers"))
    customers = sum(row["customers"] for row in found.values())
    total = sum(row["expected_value"] or 0 for row in found.values())
    greatest = max(answer.rows, key=lambda row: (row["expected_value"] or 0, row["customers"]))
    sentences = []
    if total > 0:
        sentences.append(
            texts(
                "matrix.sentence",
                count=greatest["customers"],
                value=texts.label("tier", greatest["value_tier"]),
                engagement=texts.label("engagement", greatest["engagement_tier"]),
                share=texts.share((greatest["expected_value"] or 0) / total),
                strategy=texts.label("strategy", greatest["strategy"]),
            )
        )
    doubtful = [row for row in answer.rows if row["value_tier"] == "high" and row["engagement_tier"] in ("low", "gone")]
    if doubtful:
        sentences.append(
            texts(
                "matrix.doubtful",
                count=sum(row["customers"] for row in doubtful),
                amount=texts.amount(sum(row["expected_value"] or 0 for row in doubtful)),
            )
        )
    most = max(row["customers"] for row in found.values())
    rows = []
    for value in TIERS:
        cells_of_row = [Cell(texts.label("tier", value))]
        for engagement in ENGAGEMENT:
            row = found.get((value, engagement))
            cells_of_row.append(_strategy_cell(night, row, most) if row else Cell("–", shade=0))
        rows.append(cells_of_row)
    corner = texts("matrix.corner")
    table = Table(title, [corner, *(texts.label("engagement", e) for e in ENGAGEMENT)], rows, layout="grid")
    advice = Table(
        texts("matrix.advice"),
        [texts("matrix.value"), texts("matrix.engagement"), texts("matrix.strategy"), texts("matrix.customers"), texts("matrix.what")],
        [
            cells(
                texts.label("tier", value), texts.label("engagement", engagement),
                texts.label("strategy", row["strategy"]), texts.number(row["customers"]),
                texts.label("advice", f"{value}_{engagement}") if row["advice"] == catalogue("en").get(f"advice.{value}_{engagement}") else row["advice"] or "",
            )
            for value in TIERS for engagement in ENGAGEMENT if (row := found.get((value, engagement)))
        ],
        numbers=(3,), layout="cards",
    )  # fmt: skip
    note = texts("matrix.note", count=customers)
    return Section("matrix", title, sentences or [note], tables=[table], folded_tables=[advice],
                   notes=[note] if sentences else [], queries=[answer.query])  # fmt: skip


def _strategy_cell(night: Night, row: Row, most: int) -> Cell:
    texts = night.texts
    amount = texts.amount(row["expected_value"], exact=False) if row["expected_value"] is not None else ""
    detail = texts("matrix.cell", count=row["customers"])
    return Cell(
        texts.label("strategy", row["strategy"]),
        (detail, amount) if amount else (detail,),
        shade(row["customers"], most),
    )


def cohorts(night: Night) -> Section | Missing:
    """How many of those who came together still buy, by the time since."""
    texts, answer = night.texts, night.ask("cohorts")
    title = texts("cohorts.title")
    by_cohort: dict[tuple[str, bool], dict[int, Row]] = {}
    for row in answer.rows:
        by_cohort.setdefault((row["cohort"], row["is_left_censored"]), {})[row["period"]] = row
    by_cohort = {key: periods for key, periods in by_cohort.items() if 0 in periods}
    if not any(len(periods) > 1 for periods in by_cohort.values()):
        return Missing("cohorts", title, texts("missing.cohorts"))
    shown = dict(list(by_cohort.items())[-COHORTS:])
    is_quarters = "-Q" in next(iter(shown))[0]
    unit = "quarter" if is_quarters else "month"
    new = [periods for (_, was_there), periods in by_cohort.items() if not was_there] or list(by_cohort.values())
    parts = []
    for period in (1, 3, 6, 12):
        seen = [periods[period] for periods in new if period in periods]
        if seen:
            share = sum(row["active_customers"] for row in seen) / max(sum(row["customers"] for row in seen), 1)
            parts.append(texts(f"cohorts.after_{unit}", count=period, share=texts.share(share)))
    last = max(period for periods in shown.values() for period in periods)
    headings = [
        texts("cohorts.cohort"),
        texts("cohorts.customers"),
        *(texts.number(p) for p in range(1, min(last, PERIODS) + 1)),
    ]
    rows = []
    for (cohort, was_there), periods in shown.items():
        name = _cohort_name(night, cohort)
        if was_there:
            name = texts("cohorts.there_before", cohort=name)
        row_cells = [Cell(name), Cell(texts.number(periods[0]["customers"]))]
        for period in range(1, min(last, PERIODS) + 1):
            share_active = periods[period]["share_active"] if period in periods else None
            row_cells.append(
                Cell(texts.share(share_active), shade=min(SHADES, round(SHADES * share_active)))
                if share_active is not None
                else Cell("")
            )
        rows.append(row_cells)
    table = Table(texts(f"cohorts.caption_{unit}"), headings, rows, layout="grid")
    notes = [texts("cohorts.note_there_before")] if any(was_there for _, was_there in shown) else []
    return Section(
        "cohorts", title, [texts("cohorts.sentence", parts=texts.listed(parts))], tables=[table], notes=notes,
        queries=[answer.query],
    )  # fmt: skip


def _cohort_name(night: Night, cohort: str) -> str:
    year, _, rest = cohort.partition("-")
    if rest.isdigit():
        return night.texts.short_month(date(int(year), int(rest), 1))
    return night.texts("cohorts.quarter", quarter=rest.removeprefix("Q"), year=year) if rest else cohort


def survival(night: Night) -> Section | Missing:
    """How long customers of each value tier stay."""
    texts, answer = night.texts, night.ask("survival")
    title = texts("survival.title")
    found = {tier: [row for row in answer.rows if row["segment"] == tier] for tier in TIERS}
    found = {tier: rows for tier, rows in found.items() if len(rows) > 1}
    if not found:
        return Missing("survival", title, texts("missing.survival"))
    landmark = answer.first["landmark_on"]
    last = min(rows[-1]["days"] for rows in found.values())
    shares = {tier: [row["survival"] for row in rows if row["days"] <= last][-1] for tier, rows in found.items()}
    parts = [texts("survival.part", tier=texts.label("tier", tier), share=texts.share(s)) for tier, s in shares.items()]
    sentence = texts("survival.sentence", count=last, day=texts.day(landmark), parts=texts.listed(parts))
    groups = [
        (texts.label("tier", tier), [(row["days"], row["survival"]) for row in _thinned(rows)])
        for tier, rows in found.items()
    ]
    table = Table(
        title,
        [texts("survival.tier"), texts("survival.days"), texts("survival.share"), texts("survival.interval")],
        [
            cells(
                texts.label("tier", tier), texts.number(row["days"]), texts.share(row["survival"], 1),
                f"{texts.share(row['survival_low'], 1)} – {texts.share(row['survival_high'], 1)}",
            )
            for tier, rows in found.items() for row in _thinned(rows, 8)
        ],
        numbers=(1, 2, 3),
    )  # fmt: skip
    picture = night.drawn(charts.survival(texts, groups), f"{title}. {sentence}")
    return Section(
        "survival", title, [sentence], picture, queries=[answer.query],
        tables=[] if picture else [table], folded_tables=[table] if picture else [],
    )  # fmt: skip


def _thinned(rows: list[Row], most: int = 80) -> list[Row]:
    step = max(1, len(rows) // most)
    return [row for place, row in enumerate(rows) if place % step == 0 or place == len(rows) - 1]


def flows(night: Night) -> Section | Missing:
    """From which value tier to which customers went."""
    texts, answer = night.texts, night.ask("segment_flows")
    title = texts("flows.title")
    if not answer.rows:
        return Missing("flows", title, texts("missing.flows"))
    first = answer.first
    counts = {(row["from_segment"], row["to_segment"]): row["customers"] for row in answer.rows}
    order: list[str | None] = [*TIERS, None]
    place = {tier: rank for rank, tier in enumerate(TIERS)}
    moved = [(place.get(f), place.get(t), n) for (f, t), n in counts.items()]
    up = sum(n for f, t, n in moved if f is not None and t is not None and t < f)
    down = sum(n for f, t, n in moved if f is not None and t is not None and t > f)
    fallen = sum(n for (f, t), n in counts.items() if f == "high" and t != "high")
    sentences = [
        texts("flows.sentence", up=texts.number(up), down=texts.number(down), day=texts.day(first["from_month_end"])),
        texts("flows.fallen", count=fallen) if fallen else texts("flows.none_fallen"),
    ]
    most = max((n for (f, t), n in counts.items() if f != t), default=0)
    rows = []
    for start in order:
        name = texts.label("tier", start) if start else texts("flows.new")
        row = [Cell(name)]
        for end in order:
            n = counts.get((start, end), 0)
            row.append(Cell(texts.number(n) if n else "–", shade=0 if start == end else shade(n, most)))
        if any(cell.text != "–" for cell in row[1:]):
            rows.append(row)
    headings = [texts("flows.corner"), *(texts.label("tier", t) if t else texts("flows.nowhere") for t in order)]
    table = Table(
        texts("flows.caption", first=texts.day(first["from_month_end"]), last=texts.day(first["to_month_end"])),
        headings, rows, layout="grid",
    )  # fmt: skip
    return Section("flows", title, sentences, tables=[table], queries=[answer.query])


def identity(night: Night) -> Section | Missing:
    """Who was merged and split last night."""
    texts, answer = night.texts, night.ask("identity_events")
    events = {row["event"]: row for row in answer.rows}
    merged, split, created, moved = (
        events.get(kind, {}).get("events", 0) for kind in ("merged", "split", "created", "moved")
    )
    sentences = []
    if merged or split or moved:
        sentences.append(
            texts(
                "identity.sentence", merged=texts.number(merged), split=texts.number(split), moved=texts.number(moved)
            )
        )
        sentences.append(texts("identity.look"))
    else:
        sentences.append(texts("identity.none"))
    sentences.append(texts("identity.created", count=created))
    rows = [
        cells(
            texts(f"identity.{kind}"), texts.number(events[kind]["events"]), texts.number(events[kind]["records"]),
            ", ".join(str(number) for number in events[kind]["customer_ids"]),
        )
        for kind in ("merged", "split", "moved") if kind in events
    ]  # fmt: skip
    headings = [
        texts("identity.event"),
        texts("identity.events"),
        texts("identity.records"),
        texts("identity.customers"),
    ]
    tables = [Table(texts("identity.title"), headings, rows, numbers=(1, 2), layout="cards")] if rows else []
    return Section("identity", texts("identity.title"), sentences, tables=tables, queries=[answer.query])
