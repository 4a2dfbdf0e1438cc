"""The pictures: Altair's charts, drawn as inline SVG by vl-convert, in one width for a desk or paper and one for a phone.

A picture bears a few colours, each with one meaning, which the page's style sheet exchanges where the reader's screen is
dark; none is told by colour alone. What a picture says stands in `sections`.
"""

import importlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from zlib import crc32

from clientela.report.catalogue import Texts

#: one meaning each; `styles` in `page` gives each its colour on a dark screen
INK, QUIET, GRID = "#1c2431", "#5b6573", "#dfe3e8"
STRONG, SOFT, WARN = "#1b4f7a", "#a9c6de", "#b4540a"
WIDTHS = {"wide": 800, "narrow": 330}
#: points of a curve and months of an axis that a phone still shows
NARROW_LABELS, WIDE_LABELS = 5, 13
FONT = "system-ui, sans-serif"


@dataclass(frozen=True)
class Picture:
    """The same picture twice, as SVG."""

    wide: str
    narrow: str


class NotDrawnError(Exception):
    """The libraries that draw are not installed."""


Chart = Any
Row = dict[str, Any]
Draw = Callable[[Any, bool], Chart]


def draw(chart: Draw, texts: Texts, label: str) -> Picture:
    """Draw it in both widths. `label` is what a screen reader says. Raises NotDrawnError where nothing can draw."""
    try:
        alt = importlib.import_module("altair")
        convert = importlib.import_module("vl_convert")
    except ImportError as error:
        raise NotDrawnError(str(error)) from error
    return Picture(*(_svg(convert, specification(alt, chart, kind), texts, label, kind) for kind in WIDTHS))


def still(chart: Chart, texts: Texts) -> str:
    """A chart of somebody's own as a figure of a page, in one width, in the report's colours of text and grid."""
    alt, convert = importlib.import_module("altair"), importlib.import_module("vl_convert")
    # exact amounts are no JSON
    spec = json.loads(json.dumps(_styled(alt, chart, "wide").to_dict(), default=float))
    return f"<figure>{_svg(convert, spec, texts, _title(spec), 'still')}</figure>"


def _title(spec: dict[str, Any]) -> str:
    """What the axes of a chart say, for whoever cannot see it."""
    layer = (spec.get("layer") or [spec])[0]
    encoding = layer.get("encoding") or spec.get("encoding") or (spec.get("spec") or {}).get("encoding") or {}
    axes = [encoding[axis].get("title") for axis in ("y", "x") if isinstance(encoding.get(axis), dict)]
    return " by ".join(axis for axis in axes if axis) or "chart"


def specification(alt: Any, chart: Draw, kind: str, *, is_checked: bool = False) -> dict[str, Any]:
    """The picture as Vega-Lite. Altair's check of it against the schema takes longer than drawing, so that tests ask for it."""
    data: dict[str, list[dict[str, Any]]] = {}
    with alt.utils.schemapi.debug_mode(is_checked):
        styled = _styled(alt, chart(_Library(alt, data), kind == "wide"), kind)
        spec: dict[str, Any] = styled.to_dict(validate=is_checked)
    return spec | {"datasets": data}


class _Library:
    """Altair, with charts of plain rows: these stand beside the chart, where Altair neither copies nor checks them."""

    def __init__(self, alt: Any, data: dict[str, list[dict[str, Any]]]) -> None:
        self._alt, self._data = alt, data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._alt, name)

    def rows(self, rows: Sequence[dict[str, Any]]) -> Any:
        """A chart of these rows."""
        name = f"rows{len(self._data)}"
        self._data[name] = list(rows)
        return self._alt.Chart(self._alt.NamedData(name=name))


def _styled(alt: Any, chart: Chart, kind: str) -> Chart:
    size = 13 if kind == "wide" else 12
    # in one call: Altair copies the whole chart in each
    return chart.configure(
        background="transparent", font=FONT, padding=4,
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(
            labelColor=QUIET, titleColor=QUIET, labelFontSize=size - 1, titleFontSize=size - 1, titleFontWeight="normal",
            gridColor=GRID, domainColor=GRID, tickColor=GRID, labelPadding=5, titlePadding=8,
        ),
        axisX=alt.AxisConfig(grid=False),
        legend=alt.LegendConfig(
            orient="top", title=None, labelColor=INK, labelFontSize=size, symbolStrokeWidth=2, columnPadding=16, offset=6,
            labelLimit=WIDTHS[kind],
        ),
        title=alt.TitleConfig(color=INK, fontSize=size, fontWeight=600, anchor="start", offset=8),
    )  # fmt: skip


def _svg(convert: Any, spec: dict[str, Any], texts: Texts, label: str, kind: str) -> str:
    svg: str = convert.vegalite_to_svg(
        spec, format_locale=texts("format.d3_locale"), allowed_base_urls=[], show_warnings=False
    )
    head, _, body = svg.partition(">")
    box = re.search(r'viewBox="([^"]*)"', head)
    assert box is not None, "vl-convert gives every picture a view box"
    # one picture is one thing to a screen reader; ids are this picture's own
    body = re.sub(r' (?:role|aria-[a-z]+)="[^"]*"', "", body)
    own = f"{kind}{crc32(label.encode())}-"
    for number, name in enumerate(dict.fromkeys(re.findall(r' id="([^"]+)"', body))):
        # Vega counts them over all pictures that a process draws
        body = body.replace(f' id="{name}"', f' id="{own}{number}"').replace(f"url(#{name})", f"url(#{own}{number})")
    body = re.sub(r'="[^"<>]*"', lambda found: re.sub(r"(\d+\.\d{2})\d+", r"\1", found[0]), body)
    width = box[1].split()[2]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{kind}" viewBox="{box[1]}" style="max-width:{width}px" '
        f'role="img" aria-label="{_attribute(label)}">{body}'
    )


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")


def _some(labels: Sequence[str], wide: bool) -> list[str]:
    """The labels that an axis has room for, the last among them."""
    step = -(-len(labels) // (WIDE_LABELS if wide else NARROW_LABELS))
    return [label for place, label in enumerate(reversed(labels)) if place % step == 0]


def unit_of(texts: Texts, greatest: float) -> tuple[float, str]:
    """What the amounts of an axis are divided by, and how it is called."""
    for divisor, name in ((1e6, "millions"), (1e3, "thousands")):
        if greatest >= 5 * divisor:
            return divisor, texts(f"unit.{name}", currency=texts.currency)
    return 1.0, texts.currency


def months(texts: Texts, rows: Sequence[dict[str, Any]]) -> Draw:
    """Revenue and contribution as bars one over another; customers below as lines."""
    shown = [texts.short_month(row["month"]) for row in rows]
    money = [(row["net_revenue"], row["contribution"]) for row in rows]
    divisor, unit = unit_of(texts, max((abs(float(a or 0)) for pair in money for a in pair), default=0))
    has_contribution = any(contribution is not None for _, contribution in money)
    names = [texts("monthly.revenue"), texts("monthly.contribution")][: 1 + has_contribution]
    bars = [
        {"month": month, "kind": kind, "amount": float(amount) / divisor, "rank": rank}
        for month, pair in zip(shown, money, strict=True)
        for rank, (kind, amount) in enumerate(zip(names, pair, strict=False))
        if amount is not None
    ]
    people = [
        {"month": month, "kind": texts(f"monthly.{key}"), "count": row[key]}
        for month, row in zip(shown, rows, strict=True)
        for key in ("customers", "buyers")
    ]

    def chart(alt: Any, wide: bool) -> Chart:
        width = WIDTHS["wide" if wide else "narrow"] - 70
        band = width / max(len(shown), 1)
        x = alt.X(
            "month:N",
            sort=shown,
            title=None,
            axis=alt.Axis(
                values=_some(shown, wide), labelAngle=0, labelAlign="center", labelBaseline="top", ticks=False
            ),
        )
        colours = alt.Color("kind:N", scale=alt.Scale(domain=names, range=[SOFT, STRONG][: len(names)]))
        layers = [
            alt.rows([bar for bar in bars if bar["kind"] == name])
            .mark_bar(size=max(band * share, 2), cornerRadiusEnd=1)
            .encode(x=x, y=alt.Y("amount:Q", title=unit, axis=alt.Axis(tickCount=4, format=",~r")), color=colours)
            for name, share in zip(names, (0.72, 0.4), strict=False)
        ]
        kinds = [texts("monthly.customers"), texts("monthly.buyers")]
        lines = (
            alt.rows(people)
            .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=18))
            .encode(
                x=x,
                y=alt.Y("count:Q", title=texts("monthly.people"), axis=alt.Axis(tickCount=4, format=",d")),
                color=alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=[STRONG, WARN])),
                strokeDash=alt.StrokeDash("kind:N", scale=alt.Scale(domain=kinds, range=[[1, 0], [4, 3]])),
            )
        )
        height = 190 if wide else 160
        return (
            alt.vconcat(
                alt.layer(*layers).properties(width=width, height=height),
                lines.properties(width=width, height=height * 0.7),
                spacing=14,
            )
            .resolve_scale(color="independent", strokeDash="independent")
        )  # fmt: skip

    return chart


def waterfall(texts: Texts, steps: Sequence[tuple[str, int, bool]]) -> Draw:
    """(label, count, is a level): levels stand on the floor, the others go on where the one before ended."""
    bars: list[Row] = []
    at = 0
    for name, count, is_level in steps:
        low, high = (0, count) if is_level else sorted((at, at + count))
        kind = "level" if is_level else "up" if count >= 0 else "down"
        shown = texts.number(count) if is_level else texts.signed(count, texts.number(count))
        at = count if is_level else at + count
        bars.append({"name": name, "low": low, "high": high, "kind": kind, "shown": shown, "end": at})
    names = [bar["name"] for bar in bars]
    ends: list[int] = [bar["high"] for bar in bars] + [bar["low"] for bar in bars if bar["kind"] != "level"]
    floor = waterfall_floor(ends)
    for bar in bars:
        if bar["kind"] == "level":
            bar["low"] = floor
    links = [{"from": first["name"], "to": second["name"], "at": first["end"]} for first, second in pairwise(bars)]

    def chart(alt: Any, wide: bool) -> Chart:
        # on a phone the numbers at the bars take the place of the axis
        width = WIDTHS["wide"] - 60 if wide else WIDTHS["narrow"] - 16
        place = alt.Scale(domain=names)
        x = alt.X(
            "name:N", scale=place, title=None,
            axis=alt.Axis(labelAngle=0, labelAlign="center", labelBaseline="top", ticks=False, labelLimit=0, labelFontSize=12 if wide else 10, labelColor=INK, labelExpr="split(datum.label, '|')"),
        )  # fmt: skip
        scale = alt.Scale(domain=[floor, max(ends) + (max(ends) - floor) * 0.12], nice=False)
        axis = alt.Axis(tickCount=4, format=",d") if wide else None
        y = alt.Y("low:Q", scale=scale, title=None, axis=axis)
        base = alt.rows(bars)
        fill = alt.Color(
            "kind:N", scale=alt.Scale(domain=["level", "up", "down"], range=[STRONG, SOFT, WARN]), legend=None
        )
        return alt.layer(
            alt.rows(links)
            .mark_rule(color=QUIET, strokeDash=[2, 2])
            .encode(x=alt.X("from:N", scale=place), x2="to:N", y=alt.Y("at:Q", scale=scale, title=None, axis=axis)),
            base.mark_bar(size=width / len(names) * 0.62).encode(x=x, y=y, y2="high:Q", color=fill),
            base.mark_text(dy=-8, fontSize=13, fontWeight=600, color=INK).encode(x=x, y="high:Q", text="shown:N"),
        ).properties(width=width, height=230 if wide else 200)

    return chart


def waterfall_floor(ends: Sequence[int]) -> int:
    """Where the axis begins: at nothing, unless the steps would be too small to be seen."""
    least, greatest = min(ends), max(ends)
    if greatest - least > greatest / 4:
        return 0
    gap = max(greatest - least, 1)
    step = int(10 ** (len(str(gap)) - 1))
    return max((least - gap) // step * step, 0)


def curve(texts: Texts, points: Sequence[tuple[float, float]], marked: tuple[float, float]) -> Draw:
    """Share of customers against share of value, with the line at all of it and one point told."""
    rows = [{"x": x, "y": y} for x, y in points]
    labels = [{"x": marked[0], "y": marked[1], "text": f"{texts.share(marked[0])} → {texts.share(marked[1])}"}]

    def chart(alt: Any, wide: bool) -> Chart:
        width = WIDTHS["wide" if wide else "narrow"] - 70
        least = min((row["y"] for row in rows), default=0)
        scale = alt.Scale(domain=[min(least, 0), max(max(row["y"] for row in rows), 1) * 1.06], nice=False)
        percent = alt.Axis(format=".0%", tickCount=5)
        x = alt.X("x:Q", title=texts("whale.x"), scale=alt.Scale(domain=[0, 1]), axis=percent)
        y = alt.Y("y:Q", title=texts("whale.y"), scale=scale, axis=percent)
        base = alt.rows(rows)
        point = alt.rows(labels)
        return alt.layer(
            base.mark_area(color=SOFT, opacity=0.55).encode(x=x, y=y),
            base.mark_line(color=STRONG, strokeWidth=2.5).encode(x=x, y=y),
            alt.rows([{"y": 1}]).mark_rule(color=QUIET, strokeDash=[4, 3]).encode(y=alt.Y("y:Q", scale=scale)),
            point.mark_point(color=WARN, fill=WARN, size=55, opacity=1).encode(x=x, y=y),
            point.mark_text(align="left", dx=10, dy=10, color=INK, fontSize=13, fontWeight=600).encode(x=x, y=y, text="text:N"),
        ).properties(width=width, height=260 if wide else 220)  # fmt: skip

    return chart


def survival(texts: Texts, groups: Sequence[tuple[str, Sequence[tuple[int, float]]]]) -> Draw:
    """Steps that fall: the share that stays longer than so many days, each to the end of the time that is seen."""
    dashes = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3])
    colours = (STRONG, INK, WARN, QUIET)
    rows: list[Row] = [
        {"days": days, "share": share, "group": name} for name, steps in groups for days, share in ((0, 1.0), *steps)
    ]
    last = max(row["days"] for row in rows)
    names = [name for name, _ in groups]
    rows += [{"days": last, "share": steps[-1][1], "group": name} for name, steps in groups]
    floor = 0 if min(row["share"] for row in rows) < 0.5 else 0.5

    def chart(alt: Any, wide: bool) -> Chart:
        width = WIDTHS["wide" if wide else "narrow"] - 80
        scale = alt.Scale(domain=[floor, 1], nice=False)
        x = alt.X(
            "days:Q",
            title=texts("survival.x"),
            scale=alt.Scale(domain=[0, last], nice=False),
            axis=alt.Axis(tickCount=6),
        )
        y = alt.Y("share:Q", title=texts("survival.y"), scale=scale, axis=alt.Axis(format=".0%", tickCount=5))
        colour = alt.Color("group:N", scale=alt.Scale(domain=names, range=list(colours[: len(names)])))
        dash = alt.StrokeDash("group:N", scale=alt.Scale(domain=names, range=list(dashes[: len(names)])))
        return (
            alt.rows(rows)
            .mark_line(interpolate="step-after", strokeWidth=2.2)
            .encode(x=x, y=y, color=colour, strokeDash=dash)
            .properties(width=width, height=240 if wide else 200)
        )  # fmt: skip

    return chart


def forecast(texts: Texts, rows: Sequence[dict[str, Any]]) -> Draw:
    """Per row an interval (low, high) with its middle, and what happened where that is known: {name, low, mid, high, actual}."""
    divisor, unit = unit_of(
        texts,
        max((abs(v) for row in rows for v in (row["high"], row["mid"], row["actual"]) if v is not None), default=0),
    )
    shown = [
        {key: value / divisor if isinstance(value, int | float) else value for key, value in row.items()}
        for row in rows
    ]
    names = [row["name"] for row in rows]
    kinds = [texts("forecast.forecast"), texts("forecast.actual")]

    def chart(alt: Any, wide: bool) -> Chart:
        width = WIDTHS["wide" if wide else "narrow"] - (190 if wide else 120)
        y = alt.Y(
            "name:N",
            sort=names,
            title=None,
            axis=alt.Axis(ticks=False, labelColor=INK, labelLimit=200, labelExpr="split(datum.label, '|')"),
        )
        scale = alt.Scale(zero=False, nice=True, padding=12)
        base = alt.rows(shown)
        points = [
            {"name": row["name"], "value": row[key], "kind": kind}
            for row in shown
            for key, kind in zip(("mid", "actual"), kinds, strict=True)
            if row[key] is not None
        ]
        return alt.layer(
            base.transform_filter("isValid(datum.low)").mark_bar(color=SOFT, size=16)
            .encode(y=y, x=alt.X("low:Q", title=unit, scale=scale, axis=alt.Axis(grid=True, tickCount=5, format=",~r")), x2="high:Q"),
            alt.rows(points).mark_point(size=80, filled=True, opacity=1).encode(
                y=y, x="value:Q",
                shape=alt.Shape("kind:N", scale=alt.Scale(domain=kinds, range=["circle", "diamond"])),
                color=alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=[STRONG, WARN])),
            ),
        ).properties(width=width, height=max(44 * len(names), 60))  # fmt: skip

    return chart
