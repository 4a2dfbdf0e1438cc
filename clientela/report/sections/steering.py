"""What the company steers by: its objectives against plan."""

from clientela.report.catalogue import Texts
from clientela.report.published import Row
from clientela.report.sections.section import Missing, Night, Section, Table, cells

#: an objective that is followed: something came since it began
_FOLLOWED = ("on track", "off track", "met", "missed")


def objectives(night: Night) -> Section | Missing:
    """Where each objective stands, where it is heading, and which segment holds it back."""
    texts, answer = night.texts, night.ask("objectives")
    title = texts("objectives.title")
    rows = answer.rows
    if not rows:
        return Missing("objectives", title, texts("missing.objectives"))
    followed = [row for row in rows if row["status"] in _FOLLOWED]
    good = sum(row["is_on_track"] for row in followed)
    sentences = [texts("objectives.sentence", count=len(followed), good=texts.number(good))] if followed else []
    sentences += [_behind(texts, row) for row in followed if not row["is_on_track"]]
    silent = len(rows) - len(followed)
    if silent:
        sentences.append(texts("objectives.silent", count=silent))
    headings = ("objective", "kpi", "actual", "path", "forecast", "target", "status")
    table = Table(
        title,
        [texts(f"objectives.{key}") for key in headings],
        [
            cells(
                row["objective"], _kpi(texts, row), _figure(texts, row, row["actual"]), _figure(texts, row, row["path"]),
                _forecast(texts, row), _target(texts, row), texts.label("objective_status", row["status"]),
            )
            for row in rows
        ],
        numbers=(2, 3), layout="cards",
    )  # fmt: skip
    return Section(
        "objectives", title, sentences, tables=[table], notes=[texts("objectives.note")], queries=[answer.query]
    )


def _behind(texts: Texts, row: Row) -> str:
    """The sentence on an objective that is not on track, with the segment that holds it back most."""
    sentence = texts(
        "objectives.behind", objective=row["objective"], kpi=_kpi(texts, row), month=texts.month(row["month"]),
        actual=_figure(texts, row, row["actual"]), path=_figure(texts, row, row["path"]),
    )  # fmt: skip
    if not row["held_back_by"]:
        return sentence
    held_back = row["held_back"]
    if row["unit"] == "share":
        figure = texts("objectives.points", points=texts.number(100 * held_back, 1))
    else:
        figure = _figure(texts, row, held_back)
    segment = texts.label("tier", row["held_back_by"])
    return f"{sentence} {texts('objectives.held_back', segment=segment, moved=texts.signed(held_back, figure))}"


def _kpi(texts: Texts, row: Row) -> str:
    kpi = texts.label("kpi", row["kpi"])
    return kpi if row["scope"] == "company" else f"{kpi} ({texts.label('tier', row['segment'])})"


def _forecast(texts: Texts, row: Row) -> str:
    if row["forecast_at_due"] is None:
        return texts("label.none")
    middle, low, high = (_figure(texts, row, row[f"forecast_at_due{end}"]) for end in ("", "_p10", "_p90"))
    return texts("objectives.interval", middle=middle, low=low, high=high)


def _target(texts: Texts, row: Row) -> str:
    month = texts.short_month(row["due_month"])
    return texts("objectives.by", target=_figure(texts, row, row["target"]), month=month)


def _figure(texts: Texts, row: Row, value: float | None) -> str:
    """A value in the KPI's own unit."""
    if value is None:
        return texts("label.none")
    if row["unit"] == "share":
        return texts.share(value, 1)
    if row["unit"] == "amount":
        return texts.amount(value, exact=False) if abs(value) >= 100 else texts.amount(value)
    return texts.number(value, 0 if row["unit"] == "customers" else 1)
