"""What a part of the report is: a title, sentences that were computed, a picture, a table, and the queries behind them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from clientela.report.catalogue import EXACT_BELOW, Texts
from clientela.report.charts import Draw, NotDrawnError, Picture, draw
from clientela.report.places import CUSTOMERS
from clientela.report.published import Answer, PublishedFile

#: shades of a cell, from none to full
SHADES = 6


@dataclass(frozen=True)
class Cell:
    """One cell of a table. `shade`: 0 to SHADES, as a heat map has; `details`: quieter lines below."""

    text: str
    details: tuple[str, ...] = ()
    shade: int | None = None
    href: str = ""


@dataclass(frozen=True)
class Table:
    """A table with a heading per column; the columns named in `numbers` are aligned to the right.

    `layout`: `grid` is the picture itself, such as a heat map; `cards` becomes one card per row on a phone.
    """

    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    numbers: Sequence[int] = ()
    layout: Literal["plain", "grid", "cards"] = "plain"


@dataclass(frozen=True)
class Section:
    """One part, ready to be shown. A table stands behind a fold where a picture says the same."""

    key: str
    title: str
    sentences: Sequence[str]
    picture: Picture | None = None
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    queries: Sequence[str] = ()
    #: more parts of the table than a reader needs at first
    folded_tables: Sequence[Table] = ()


@dataclass(frozen=True)
class Missing:
    """A part that can say nothing in this run, and the sentence that says why."""

    key: str
    title: str
    sentence: str


@dataclass
class Night:
    """What the parts are made of: the file just published, the one before it if it can be read, and the company's words."""

    published: PublishedFile
    texts: Texts
    before: PublishedFile | None = None
    #: names of people may be shown
    shows_names: bool = False
    #: what could not be drawn or compared, for whoever runs the night
    warnings: list[str] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    #: customers whose pages are linked to
    linked: list[int] = field(default_factory=list)
    #: some picture could not be drawn
    is_undrawn: bool = False

    def ask(self, name: str) -> Answer:
        """The rows of a query, asked once."""
        if name not in self.answers:
            self.answers[name] = self.published.ask(name)
        return self.answers[name]

    def customer(self, customer_id: int, name: str | None = None) -> "Cell":
        """A customer in a table: by name, leading to their page, where names may be shown; else by number."""
        if not self.shows_names:
            return Cell(str(customer_id))
        if customer_id not in self.linked:
            self.linked.append(customer_id)
        text = f"{name} ({customer_id})" if name else str(customer_id)
        return Cell(text, href=f"{CUSTOMERS}/{customer_id}.html")

    def drawn(self, chart: Draw, label: str) -> Picture | None:
        """The picture; None, and a warning more, where it cannot be drawn."""
        try:
            return draw(chart, self.texts, label)
        except NotDrawnError as error:
            warning = f"The report has no pictures: {error}. `pip install altair vl-convert-python` mends that."
        except Exception as error:
            warning = f"A picture of the report could not be drawn: {str(error).splitlines()[0][:200]}"
        self.is_undrawn = True
        if warning not in self.warnings:
            self.warnings.append(warning)
        return None


Make = Callable[[Night], "Section | Missing"]


@dataclass(frozen=True)
class Part:
    """A part as it is registered. It is left out, without a word, where a mart that it needs does not exist."""

    key: str
    needs: tuple[str, ...]
    make: Make


def cells(*texts: str) -> list[Cell]:
    """Plain cells."""
    return [Cell(text) for text in texts]


def amounts(texts: Texts, values: Sequence[Any]) -> list[str]:
    """Amounts of one column, all to the cent or none."""
    known = [abs(value) for value in values if value is not None]
    exact = bool(known) and max(known) < EXACT_BELOW and any(value != round(value) for value in known)
    return [texts.amount(value, exact=exact) for value in values]


def shade(value: Any, greatest: Any) -> int:
    """The shade of a value among values from 0 to the greatest."""
    if not value or not greatest:
        return 0
    return max(1, min(SHADES, round(SHADES * float(value) / float(greatest))))
