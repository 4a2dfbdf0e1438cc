"""The report as one HTML file: nothing is fetched, nothing is run, everything that came from data is escaped.

`render` takes parts that are ready to be shown; what they say stands in `sections`, where the file goes in `write`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from clientela.report.catalogue import Texts
from clientela.report.sections.section import Missing, Section

TEMPLATES = Path(__file__).parent / "templates"
ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)


@dataclass(frozen=True)
class Tile:
    """One figure at the head of the report."""

    name: str
    value: str
    detail: str


@dataclass(frozen=True)
class Head:
    """What the report says of itself."""

    company: str
    run_id: str
    as_of: str
    made: str
    privacy: str
    #: what else is to be known of it, empty if nothing
    note: str
    #: of a page about one thing: how the window and the page are called
    title: str = ""
    heading: str = ""


def render(
    texts: Texts,
    head: Head,
    tiles: Sequence[Tile],
    parts: Sequence[Section],
    missing: Sequence[Missing],
    extra: Sequence[str],
) -> str:
    """The whole page. `extra`: sentences about what the company does not deliver."""
    return ENVIRONMENT.get_template("report.html.j2").render(
        t=texts, head=head, tiles=tiles, parts=parts, missing=missing, extra=extra, style=style()
    )


def render_customer(
    texts: Texts, head: Head, tiles: Sequence[Tile], parts: Sequence[Section], missing: Sequence[Missing]
) -> str:
    """The page of one customer."""
    return ENVIRONMENT.get_template("customer.html.j2").render(
        t=texts, head=head, tiles=tiles, parts=parts, missing=missing, style=style()
    )


def style() -> Markup:
    """The style sheet that all pages share."""
    return Markup((TEMPLATES / "style.css").read_text(encoding="utf-8"))


def mark_of(language: str, run_id: str) -> str:
    """How a report begins that is of this run and in this language."""
    return f'<!doctype html>\n<html lang="{language}" data-run="{run_id}">'
