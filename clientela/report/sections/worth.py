"""What customers are worth and may be worth: the whale curve, the value at risk, the forecast against what happened."""

from clientela.report import charts
from clientela.report.published import Row
from clientela.report.sections.section import Cell, Missing, Night, Section, Table, amounts, cells

#: the share of the best customers that is told
BEST = 0.2
#: how often what is usual a silence, or a probability, must be to be told
LONG = 1.3


def whale(night: Night) -> Section | Missing:
    """How few customers carry how much of the value."""
    texts, answer = night.texts, night.ask("whale_curve")
    title = texts("whale.title")
    rows = answer.rows
    if len(rows) < 5 or not rows[0]["total_value"] or rows[0]["total_value"] <= 0:
        return Missing("whale", title, texts("missing.whale"))
    count, total = rows[0]["customers"], float(rows[0]["total_value"])
    points = [(0.0, 0.0), *((row["rank"] / count, float(row["value_so_far"]) / total) for row in rows)]
    marked = _nearest(points, BEST)
    peak = max(rows, key=lambda row: row["value_so_far"])
    sentences = [
        texts(
            "whale.sentence",
            count=count,
            best=texts.share(marked[0]),
            share=texts.share(marked[1]),
            total=texts.amount(total),
        )
    ]
    costing = count - peak["rank"]
    if costing and peak["value_so_far"] > rows[-1]["value_so_far"]:
        lost = float(peak["value_so_far"] - rows[-1]["value_so_far"])
        sentences.append(
            texts("whale.costing", count=costing, share=texts.share(costing / count), amount=texts.amount(lost))
        )
    else:
        sentences.append(texts("whale.none_costing"))
    picture = night.drawn(charts.curve(texts, points, marked), f"{title}. {' '.join(sentences)}")
    tenths = [_nearest(points, tenth / 10) for tenth in range(1, 11)]
    table = Table(
        title, [texts("whale.x"), texts("whale.y")],
        [cells(texts.share(x), texts.share(y, 1)) for x, y in dict.fromkeys(tenths)], numbers=(0, 1),
    )  # fmt: skip
    return Section(
        "whale", title, sentences, picture, queries=[answer.query],
        tables=[] if picture else [table], folded_tables=[table] if picture else [],
    )  # fmt: skip


def _nearest(points: list[tuple[float, float]], share: float) -> tuple[float, float]:
    """The point of the curve that is nearest to that share of the customers."""
    return min(points, key=lambda point: abs(point[0] - share))


def value_at_risk(night: Night) -> Section | Missing:
    """The twenty customers to call, and why."""
    texts, answer = night.texts, night.ask("value_at_risk")
    title = texts("risk.title")
    rows = answer.rows
    if not rows:
        return Missing("risk", title, texts("missing.risk"))
    total = rows[0]["total_value_at_risk"]
    shown = sum(row["expected_value_at_risk"] for row in rows)
    sentences = [
        texts("risk.sentence", count=rows[0]["total_customers"], total=texts.amount(total)),
        texts("risk.twenty", count=len(rows), amount=texts.amount(shown), share=texts.share(shown / total)),
    ]
    reasons = [row["main_reason"] for row in rows if row["main_reason"]]
    if reasons:
        common = max(dict.fromkeys(reasons), key=reasons.count)
        sentences.append(texts("risk.common", count=reasons.count(common), reason=texts.label("reason", common)))
    unlikely = "no_contract" if all(row["churn_model"] == "contract" for row in rows) else "no_order"
    months = texts.number(rows[0]["churn_horizon_months"])
    table = Table(
        title,
        [texts(f"risk.{key}", months=months) for key in ("customer", "at_risk", "expected", unlikely, "state", "why")],
        [
            [
                night.customer(row["customer_id"], row["name"]),
                *cells(
                    at_risk, expected, texts.share(row["churn_probability"]), texts.label("state", row["state"]),
                    _why(night, row),
                ),
            ]
            for row, at_risk, expected in zip(
                rows, *(amounts(texts, [row[key] for row in rows]) for key in ("expected_value_at_risk", "expected_value")),
                strict=True,
            )
        ],
        numbers=(1, 2, 3), layout="cards",
    )  # fmt: skip
    notes = [] if night.shows_names else [texts("risk.masked")]
    return Section("risk", title, sentences, tables=[table], notes=notes, queries=[answer.query])


def _why(night: Night, row: Row) -> str:
    texts = night.texts
    parts = []
    if row["main_reason"] and row["main_reason"] != "rhythm_broken":
        parts.append(texts.label("reason", row["main_reason"]))
    silent, usual = row["days_since_last_activity"], row["expected_days_between_orders"]
    if silent is not None and usual is not None and silent > LONG * usual:
        parts.append(texts("risk.silent", count=silent, usual=texts.number(max(round(usual), 1))))
    if parts:
        return "; ".join(parts)
    times = row["churn_probability"] / row["mean_churn_probability"]
    return texts("risk.likelier", times=texts.number(times, 1)) if times >= LONG else texts("risk.by_value")


def forecast(night: Night) -> Section | Missing:
    """What was forecast, with its interval, against what happened; and what is expected next."""
    texts = night.texts
    title = texts("forecast.title")
    asked = [night.ask(f"forecast_{name}") for name in ("outlook", "backtest", "origins", "newcomers")]
    outlook, backtest, origins, newcomers = asked
    come_due = [row for row in backtest.rows if row["actual_value"] is not None]
    past = [row for row in origins.rows if row["target"] == "contribution" and row["actual_total"]]
    ahead = [row for row in outlook.rows if row["expected_value"] is not None]
    if not (come_due or past or ahead):
        return Missing("forecast", title, texts("missing.forecast"))
    sentences, rows = [], []
    if come_due:
        sentences.append(_come_due_sentence(night, come_due[-1]))
    elif past:
        off = sum(abs(row["error_in_total"]) for row in past) / len(past)
        sentences.append(texts("forecast.origins", count=len(past), off=texts.share(off, 1)))
    else:
        sentences.append(texts("forecast.not_yet"))
    for row in come_due[-6:]:
        name = texts(
            "forecast.from", day=texts.short_month(row["as_of_on"]), months=texts.number(row["horizon_months"])
        )
        rows.append(_bar(name, row, row["actual_value"]))
    if not come_due:
        for row in past[-4:]:
            name = texts(
                "forecast.tried", day=texts.short_month(row["origin_on"]), days=texts.number(row["holdout_days"])
            )
            rows.append(
                {
                    "name": name,
                    "low": None,
                    "high": None,
                    "mid": row["expected_total"],
                    "actual": float(row["actual_total"]),
                    "months": None,
                }
            )
    for row in ahead:
        rows.append(_bar(texts("forecast.next", count=row["horizon_months"]), row, None))
    if ahead:
        nearest = ahead[0]
        sentences.append(
            texts(
                "forecast.outlook", count=nearest["horizon_months"], mid=texts.amount(nearest["expected_value"]),
                low=texts.amount(nearest["expected_value_p10"]), high=texts.amount(nearest["expected_value_p90"]),
            )
        )  # fmt: skip
    if newcomers.rows:
        row = newcomers.rows[0]
        sentences.append(
            texts(
                "forecast.newcomers", count=row["horizon_months"], day=texts.day(row["as_of_on"]),
                customers=texts.number(row["customers"]), amount=texts.amount(row["actual_value"]),
            )
        )  # fmt: skip
    table = Table(
        title,
        [texts(f"forecast.{key}") for key in ("what", "low", "mid", "high", "actual")],
        [
            cells(
                row["name"].replace("|", " "), texts.amount(row["low"]), texts.amount(row["mid"]), texts.amount(row["high"]),
                texts.amount(row["actual"]) if row["actual"] is not None else texts("forecast.to_come"),
            )
            for row in rows
        ] + [_newcomers_row(night, row) for row in newcomers.rows],
        numbers=(1, 2, 3, 4),
    )  # fmt: skip
    # what comes within a quarter beside what comes within two years would make the quarter too small to be seen
    near = [
        row for row in rows if row["months"] in (None, min((r["months"] for r in rows if r["months"]), default=None))
    ]
    picture = night.drawn(charts.forecast(texts, near), f"{title}. {' '.join(sentences)}")
    return Section(
        "forecast", title, sentences, picture, queries=[answer.query for answer in asked],
        tables=[] if picture else [table], folded_tables=[table] if picture else [], notes=[texts("forecast.note")],
    )  # fmt: skip


def _bar(name: str, row: Row, actual: float | None) -> Row:
    return {
        "name": name, "low": row["expected_value_p10"], "high": row["expected_value_p90"],
        "mid": row["expected_value"], "actual": actual, "months": row["horizon_months"],
    }  # fmt: skip


def _newcomers_row(night: Night, row: Row) -> list[Cell]:
    """What nobody could expect of anybody: a line of its own, beside the company's."""
    texts = night.texts
    day, months = texts.short_month(row["as_of_on"]), texts.number(row["horizon_months"])
    return cells(
        texts("forecast.newcomers_from", day=day, months=months), "", "", "", texts.amount(row["actual_value"])
    )


def _come_due_sentence(night: Night, row: Row) -> str:
    texts = night.texts
    low, high, actual = row["expected_value_p10"], row["expected_value_p90"], row["actual_value"]
    where = (
        "unknown"
        if low is None or high is None
        else "inside"
        if low <= actual <= high
        else "below"
        if actual < low
        else "above"
    )
    return texts(
        f"forecast.came_{where}", count=row["horizon_months"], day=texts.day(row["as_of_on"]),
        expected=texts.amount(row["expected_value"]), actual=texts.amount(actual),
        low=texts.amount(low), high=texts.amount(high),
    )  # fmt: skip
