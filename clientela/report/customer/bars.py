"""One customer's months as bars: SVG written by hand, since a night makes twenty pages and Altair takes .3 s each.

Only the drawing; which months, and what is said of them, stand in `worth`.
"""

from collections.abc import Sequence
from html import escape

from clientela.report.catalogue import Texts
from clientela.report.charts import GRID, QUIET, SOFT, STRONG, WIDTHS, Picture
from clientela.report.published import Row

#: room for the amounts on the left, for months below, for what the colours mean above
_LEFT, _BELOW, _ABOVE = 74, 22, 24


def months(texts: Texts, rows: Sequence[Row], label: str) -> Picture:
    """Net revenue of each month, and its contribution within; `label` is what a screen reader says."""
    return Picture(*(_drawn(texts, rows, label, name, width) for name, width in WIDTHS.items()))


def _drawn(texts: Texts, rows: Sequence[Row], label: str, name: str, width: int) -> str:
    amounts = [(float(row["net_revenue"] or 0), float(row["contribution"] or 0)) for row in rows]
    top, floor = max(0.0, *(max(pair) for pair in amounts)), min(0.0, *(min(pair) for pair in amounts))
    height = 150
    per_amount = height / ((top - floor) or 1)
    band = (width - _LEFT) / len(rows)
    every = -(-len(rows) // (9 if name == "wide" else 4))

    def y(amount: float) -> float:
        return _ABOVE + (top - amount) * per_amount

    # a floor too near to nothing to be told from it has no line
    marked = [top, 0.0, *([floor] if -floor * per_amount > 16 else [])]
    drawn = [_line(y(amount), width) for amount in dict.fromkeys(marked)]
    drawn += [
        _text(_LEFT - 8, y(amount) + 4, texts.amount(amount, exact=False), "end") for amount in dict.fromkeys(marked)
    ]
    for place, (row, pair) in enumerate(zip(rows, amounts, strict=True)):
        for amount, share, colour in zip(pair, (0.72, 0.4), (SOFT, STRONG), strict=True):
            if amount:
                left = _LEFT + band * (place + (1 - share) / 2)
                box = f'x="{left:.1f}" y="{min(y(amount), y(0)):.1f}" width="{band * share:.1f}"'
                drawn.append(f'<rect {box} height="{abs(amount) * per_amount:.1f}" fill="{colour}"/>')
        if (len(rows) - 1 - place) % every == 0:
            middle = min(_LEFT + band * (place + 0.5), width - 20)
            drawn.append(_text(middle, _ABOVE + height + _BELOW - 4, texts.short_month(row["month"]), "middle"))
    at = _LEFT
    for colour, key in ((SOFT, "monthly.revenue"), (STRONG, "monthly.contribution")):
        name_of = texts(key)
        drawn.append(f'<rect x="{at}" y="2" width="11" height="11" fill="{colour}"/>')
        drawn.append(_text(at + 16, 12, name_of, "start"))
        at += 34 + 7 * len(name_of)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{name}" viewBox="0 0 {width} {_ABOVE + height + _BELOW}" '
        f'style="max-width:{width}px" role="img" aria-label="{escape(label)}">{"".join(drawn)}</svg>'
    )


def _line(y: float, width: int) -> str:
    return f'<path d="M{_LEFT} {y:.1f}H{width}" stroke="{GRID}" fill="none"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="12" fill="{QUIET}">{escape(text)}</text>'
